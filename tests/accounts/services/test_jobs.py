"""Periodic jobs: each period is claimed once."""

from datetime import timedelta
from threading import Barrier

from accounts.models import JobRun
from accounts.services import jobs
from tests.market.races import THREADS, race
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
    everyone_has_looked = Barrier(THREADS)
    won = []

    def look_then_write(_number):
        due = not JobRun.objects.filter(job="sweep", period_start__gte=AT).exists()
        everyone_has_looked.wait(timeout=60)
        if due:
            JobRun.objects.filter(job="sweep").update(period_start=AT)
            won.append(True)

    race(look_then_write)

    assert len(won) == THREADS
