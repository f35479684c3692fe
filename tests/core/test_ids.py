"""Identifiers: RFC 9562 version 7."""

import time

from core.ids import uuid7


def test_an_id_says_its_version_and_its_millisecond():
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before <= made.int >> 80 <= after


def test_ids_differ_within_a_millisecond():
    assert len({uuid7() for _ in range(10_000)}) == 10_000


def test_later_ids_sort_after_earlier_ones():
    first = uuid7()
    time.sleep(0.002)

    assert uuid7() > first
