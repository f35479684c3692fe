"""The simulator on the desk: drafts played against what was really spent, while the person waits or by a worker."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization, OrganizationKind, OrganizationSize, Role
from billing import tasks
from billing.services import simulations as players
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from vouchers.models import ProgrammeVersion, Simulation, SimulationStatus
from vouchers.parameters import codec
from vouchers.services import simulations, versions

MOST_QUERIES = 15
SEPTEMBER: dict[str, Any] = {"first_on": date(2026, 9, 1), "closes_on": date(2026, 10, 1)}
DAYS = {"first_on": "2026-09-01", "last_on": "2026-09-30"}


@pytest.fixture
def spent(world: World) -> World:
    """88 yuan of September, spent by a small firm with a cunning name."""
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    Organization.objects.filter(pk=world.buyer.pk).update(name="=1+1", size=OrganizationSize.SMALL, city="成都市")
    return world


def drafted(world: World, **changes: Any) -> ProgrammeVersion:
    parameters = codec.changed(world.programme.parameters, changes)
    actor = world.actor("officer1", world.authority)
    return versions.draft(programme=world.programme, parameters=parameters, reason="r", actor=actor, at=worlds.NOW)


def asked(world: World, **changes: Any) -> Simulation:
    parameters = codec.changed(world.programme.parameters, changes or {"money.budget_fen": 10_00})
    actor = world.actor("officer1", world.authority)
    return simulations.ask(programme=world.programme, parameters=parameters, actor=actor, at=worlds.NOW, **SEPTEMBER)


def test_a_draft_version_is_played_while_the_person_waits(spent: World, sign_in: SignIn) -> None:
    version = drafted(spent, **{"award.tiers": [{"code": "BASE", "bp": 5_000}], "money.budget_fen": 40_00})
    client = sign_in("officer1")
    page = reverse("portal:simulation-new", args=[spent.programme.pk])
    assert client.get(f"{page}?version={version.pk}").context["form"]["version"].value() == str(version.pk)

    made = client.post(page, DAYS | {"version": version.pk})

    simulation = Simulation.objects.get()
    assert made["Location"] == reverse("portal:simulation", args=[simulation.pk])
    assert (simulation.status, simulation.attempts, simulation.percent) == (SimulationStatus.DONE, 1, 100)
    with CaptureQueriesContext(connection) as queries:
        told = client.get(made["Location"])
    assert len(queries) <= MOST_QUERIES
    context = told.context
    assert [(row.before, row.after, row.change) for row in context["money"]] == [
        (26_40, 40_00, 13_60),
        (1_000_000_00, 40_00, -999_960_00),
    ]
    assert context["parts"][0][1] == [("小型", 1, 1, 1, 26_40, 40_00)]
    assert [(row.label, row.before, row.after) for row in context["caps"]] == [("预算剩余额度", 0, 1)]
    assert [number for _title, _rows, number in context["firms"]] == [0, 1, 0]
    page_text = told.content.decode()
    for shown in ("版本 2", "¥40.00", "+¥13.60", "2026-09-10", "30.00 %", "50.00 %"):
        assert (shown, shown in page_text) == (shown, True)
    text = client.get(reverse("portal:simulation-csv", args=[simulation.pk])).getvalue().decode("utf-8-sig")
    assert text.splitlines()[1] == "'=1+1,小型,,88.00,26.40,40.00,13.60,"
    listed = client.get(reverse("portal:simulations")).content.decode()
    assert "+¥13.60" in listed or "¥13.60" in listed


def test_who_drops_out_is_named_with_the_reason(spent: World, sign_in: SignIn) -> None:
    document = codec.dump(codec.changed(spent.programme.parameters, {"eligibility.sizes": ["MICRO"]}))
    client = sign_in("officer2")
    page = reverse("portal:simulation-new", args=[spent.programme.pk])

    made = client.post(page, DAYS | {"text": json.dumps(document)})

    told = client.get(made["Location"]).context
    (title, (firm,), number) = told["firms"][0]
    assert (title, number, firm["before_fen"], firm["after_fen"]) == ("不再获得补贴", 1, 26_40, 0)
    assert firm["why"] == "企业规模"
    assert [(row.label, row.before, row.after) for row in told["refused"]] == [("企业规模", 0, 1)]
    text = client.get(reverse("portal:simulation-csv", args=[Simulation.objects.get().pk])).getvalue().decode()
    assert text.splitlines()[1].endswith("88.00,26.40,0.00,-26.40,企业规模")


def test_a_long_one_waits_for_a_worker_and_says_how_far_it_is(
    spent: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(players, "AT_ONCE", 0)
    client, version = sign_in("officer1"), drafted(spent, **{"validity.days": 90})
    made = client.post(
        reverse("portal:simulation-new", args=[spent.programme.pk]), DAYS | {"version": version.pk}, follow=True
    )
    simulation, page = Simulation.objects.get(), made.redirect_chain[-1][0]
    assert (simulation.status, 'hx-trigger="every 3s"' in made.content.decode()) == (SimulationStatus.QUEUED, True)
    assert client.get(reverse("portal:simulation-csv", args=[simulation.pk])).status_code == 404

    taken = simulations.take(at=worlds.NOW)
    assert taken is not None
    assert simulations.take(at=worlds.NOW) is None
    simulations.tell(taken=taken, done=1, total=4, at=worlds.NOW)
    assert "已完成 25%" in client.get(page).content.decode()
    later = worlds.NOW + timedelta(minutes=10)
    again = simulations.take(at=later)  # the first worker has been silent for ten minutes
    assert again is not None
    assert (again.pk, again.attempts) == (simulation.pk, 2)
    outcome = simulations.play(taken=again, spendings=[], progress=lambda _done: None)
    assert simulations.finish(taken=again, outcome=outcome, at=later)
    assert not simulations.finish(taken=taken, outcome=outcome, at=later)  # it comes too late
    tasks.play_simulations()
    simulation.refresh_from_db()
    assert simulation.status == SimulationStatus.DONE
    shown = client.get(page).content.decode()
    assert ("该期间没有算力支出" in shown, 'hx-trigger="every' in shown) == (True, False)


def test_what_no_worker_survives_is_given_up(spent: World, sign_in: SignIn) -> None:
    simulation, at = asked(spent), worlds.NOW
    for attempt in (1, 2, 3):
        taken = simulations.take(at=at)
        assert taken is not None
        assert taken.attempts == attempt
        at += timedelta(minutes=10)

    assert simulations.take(at=at) is None

    simulation.refresh_from_db()
    assert simulation.status == SimulationStatus.FAILED
    page = sign_in("auditor").get(reverse("portal:simulation", args=[simulation.pk])).content.decode()
    assert "已连续三次未能完成" in page


def test_the_worker_plays_all_that_wait(spent: World) -> None:
    first, second = asked(spent), asked(spent, **{"validity.days": 90})

    assert players.play_waiting(clock=lambda: worlds.NOW, most=1) == 1
    assert players.play_waiting(clock=lambda: worlds.NOW) == 1
    assert not players.play_if_short(asked=first, clock=lambda: worlds.NOW)
    for one, cost_fen in ((first, 10_00), (second, 26_40)):
        one.refresh_from_db()
        assert one.outcome["after"]["cost_fen"] == cost_fen


IMPOSSIBLE: list[tuple[Any, str]] = [
    ({"first_on": "2026-10-01"}, "last_on"),
    ({"last_on": "2026-10-22"}, "last_on"),
    ({"first_on": "2020-01-01"}, "first_on"),
    ({"first_on": "yesterday"}, "first_on"),
    ({"first_on": "0001-01-01", "last_on": "0001-01-01"}, "first_on"),
    ({"last_on": "9999-12-31"}, "last_on"),
    ({"version": "9" * 30}, "version"),
    ({"version": ""}, "__all__"),
    ({"version": "", "text": "{"}, "__all__"),
]


def test_what_cannot_be_played_is_refused(spent: World, sign_in: SignIn) -> None:
    version, client = spent.programme.versions.get(), sign_in("officer1")
    page = reverse("portal:simulation-new", args=[spent.programme.pk])

    for given, field in IMPOSSIBLE:
        answer = client.post(page, DAYS | {"version": version.pk} | given)
        assert (given, answer.status_code, field in answer.context["form"].errors) == (given, 200, True)
    assert not Simulation.objects.exists()


def test_five_wait_at_most_and_only_those_with_the_duty_ask(spent: World, sign_in: SignIn) -> None:
    for _number in range(5):
        simulation = asked(spent)
    worlds.person(spent, "stranger", scenes.organization(OrganizationKind.AUTHORITY), Role.OWNER)
    page = reverse("portal:simulation-new", args=[spent.programme.pk])
    full = sign_in("officer1").post(page, DAYS | {"version": spent.programme.versions.get().pk})
    assert full.context["form"].non_field_errors()
    client = sign_in("officer1")
    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse("portal:simulations")).status_code == 200
    assert len(queries) <= MOST_QUERIES
    draft = worlds.draft_programme(spent, code="not-yet")
    assert sign_in("officer1").get(reverse("portal:simulation-new", args=[draft.pk])).status_code == 404
    pages = {
        "list": reverse("portal:simulations"),
        "one": reverse("portal:simulation", args=[simulation.pk]),
        "new": page,
    }
    may = {
        "officer1": {"list", "one", "new"},
        "treasurer": {"list", "one"},
        "auditor": {"list", "one"},
        "district1": set(),
        "expert1": set(),
        "operator1": set(),
        "buyer": set(),
    }
    for who, allowed in may.items():
        client = sign_in(who)
        answers = {name: client.get(address).status_code for name, address in pages.items()}
        assert (who, answers) == (who, {name: 200 if name in allowed else 403 for name in pages})
    stranger = sign_in("stranger")
    assert [stranger.get(address).status_code for address in pages.values()] == [200, 404, 404]
