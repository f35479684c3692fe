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


def test_ids_ascend_in_the_order_they_were_made_also_within_a_millisecond():
    made = [uuid7() for _ in range(10_000)]

    assert made == sorted(made)
    assert len({one.int >> 80 for one in made}) < len(made)


def test_ids_ascend_when_the_clock_is_set_back(monkeypatch):
    first = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000)

    assert first < uuid7() < uuid7()
