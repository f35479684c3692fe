"""Many workers at the same queue of simulations: each is played by one."""

from threading import Barrier

import pytest
from django.db import transaction

from tests.market.races import THREADS, race
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, officer
from tests.vouchers.test_races import without_trigger
from vouchers.models import Simulation, SimulationStatus
from vouchers.services import simulations

pytestmark = pytest.mark.django_db(transaction=True)


def asked():
    programme = scenes.published()
    days = {"first_on": AT.date().replace(day=1), "closes_on": AT.date()}
    return simulations.ask(programme=programme, parameters=programme.parameters, actor=officer(1), at=AT, **days)


def test_of_many_workers_one_takes_a_simulation():
    simulation = asked()
    taken = []

    def take(_number):
        found = simulations.take(at=AT)
        taken.extend([found.pk] if found else [])

    assert race(take) == {"ok": THREADS}

    assert taken == [simulation.pk]
    assert Simulation.objects.get().attempts == 1


def test_without_the_lock_all_who_looked_in_time_would_take_it():
    asked()
    everyone_has_looked = Barrier(THREADS)
    taken = []

    def take(_number):
        with transaction.atomic():
            found = Simulation.objects.to_play(AT).get()
            everyone_has_looked.wait(timeout=60)
            Simulation.objects.filter(pk=found.pk).update(status=SimulationStatus.RUNNING, attempts=1)
            taken.append(found.pk)

    assert race(take) == {"ok": THREADS}

    assert len(taken) == THREADS


def test_of_many_who_ask_at_once_five_are_kept_waiting():
    programme, asking = scenes.published(), officer(1)
    days = {"first_on": AT.date().replace(day=1), "closes_on": AT.date()}
    terms = {"programme": programme, "parameters": programme.parameters, "actor": asking, "at": AT} | days

    assert race(lambda _n: simulations.ask(**terms), threads=8) == {"ok": 5, "too-many-simulations": 3}


def test_without_the_look_under_the_lock_as_many_wait_as_ask():
    programme = scenes.published()
    days = {"first_on": AT.date().replace(day=1), "closes_on": AT.date()}
    terms = {"programme": programme, "parameters": programme.parameters, "actor": officer(1), "at": AT} | days
    with without_trigger("vouchers_simulation", "simulation_in_line"):
        for _ in range(6):
            simulations.ask(**terms)
        assert Simulation.objects.unfinished().count() == 6
