"""Periodic jobs: each period is claimed once."""

from datetime import timedelta

import pytest

from accounts.models import JobRun
from accounts.services import jobs
from tests.market.races import race
from tests.market.scenes import AT


def test_a_period_is_claimed_once(db):
    assert jobs.claim(job="sweep", period_start=AT) is True
    assert jobs.claim(job="sweep", period_start=AT) is False
    assert jobs.claim(job="other", period_start=AT) is True
    assert jobs.claim(job="sweep", period_start=AT + timedelta(seconds=5)) is True


def test_an_earlier_period_is_over(db):
    jobs.claim(job="sweep", period_start=AT)

    assert jobs.claim(job="sweep", period_start=AT - timedelta(seconds=5)) is False
    assert JobRun.objects.get().period_start == AT


def test_of_thirty_two_beats_one_claims(transactional_db):
    won = []

    race(lambda _number: won.append(jobs.claim(job="sweep", period_start=AT)))

    assert (won.count(True), won.count(False)) == (1, 31)


def test_without_the_condition_in_the_statement_several_claim(transactional_db):
    JobRun.objects.create(job="sweep", period_start=AT - timedelta(days=1))
    won = []

    def look_then_write(_number):
        if not JobRun.objects.filter(job="sweep", period_start__gte=AT).exists():
            JobRun.objects.filter(job="sweep").update(period_start=AT)
            won.append(True)

    for _attempt in range(5):
        race(look_then_write)
        if len(won) > 1:
            return
        JobRun.objects.update(period_start=AT - timedelta(days=1))
        won.clear()
    pytest.fail("the race never went wrong without its guard")
