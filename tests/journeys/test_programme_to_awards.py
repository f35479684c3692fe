"""From the draft of a programme to its awards through the desk's pages: every step by the person whose turn it is."""

import json
from typing import Any

from django.test import Client
from django.urls import reverse

from tests.portal import filing
from tests.portal import world as worlds
from tests.portal.conftest import SignIn, _still_clock, sign_in, world  # noqa: F401 - fixtures
from tests.portal.test_programmes import filled
from tests.portal.world import World
from vouchers import reconciliation, selectors
from vouchers.models import Application, Grant, Programme, ProgrammeVersion, Round, RoundStatus, Simulation
from vouchers.parameters import codec
from vouchers.services.applications import sweeping

WINDOW = {"opens_at": "2026-10-15T09:00", "closes_at": "2026-10-20T10:00"}  # it ends at this very minute


def test_a_programme_goes_from_its_draft_to_its_awards(world: World, sign_in: SignIn) -> None:
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    reviewer, owner = sign_in("officer1"), sign_in("officer2")

    programme = _published(world, reviewer, owner)
    _raise_the_ratio(programme, reviewer, owner)
    procedure = _opened(programme, reviewer, owner)
    for number, contract in enumerate((90_000_00, 60_000_00, 30_000_00), start=1):
        lines = [{"category": "GPU_TRAIN", "amount_fen": contract}]
        filing.handed_in(procedure, number, lines=lines, asked_fen=contract * 4 // 10, district="高新区")
    sweeping.close_windows(at=worlds.NOW)

    _allocated(procedure, reviewer)
    _granted(procedure, reviewer, owner)

    (position,) = selectors.programme_positions(programmes=[programme])
    assert (position.budget_fen, position.unallocated_fen, position.available_fen) == (50_000_00, 0, 50_000_00)
    assert reconciliation.discrepancies() == []


def _published(world: World, reviewer: Client, owner: Client) -> Programme:
    changes = {"identity.code": "cd-2027", "identity.name": "成都市算力券（二期）", "money.budget_fen": 40_000_00}
    document = codec.dump(codec.changed(world.programme.parameters, changes))
    reviewer.post(reverse("portal:programme-import"), {"text": json.dumps(document)})
    programme = Programme.objects.get(code="cd-2027")
    owner.post(reverse("portal:programme-move", args=[programme.pk, "publish"]))
    return programme


def _raise_the_ratio(programme: Programme, reviewer: Client, owner: Client) -> None:
    """Draft a version, see what it would have cost, and let another publish it."""
    programme.refresh_from_db()
    given = filled(programme.parameters, **{"award.tiers[0].bp": "40", "money.budget_fen": "50000"})
    reviewer.post(reverse("portal:version-new", args=[programme.pk]), given)
    version = ProgrammeVersion.objects.get(programme=programme, number=2)
    played: dict[str, Any] = {"version": version.pk, "first_on": "2026-09-01", "last_on": "2026-09-30"}
    seen = reviewer.post(reverse("portal:simulation-new", args=[programme.pk]), played, follow=True)
    assert [(row.before, row.after) for row in seen.context["money"]] == [(26_40, 35_20), (40_000_00, 50_000_00)]
    assert Simulation.objects.get().outcome["cost_change_fen"] == 8_80
    owner.post(reverse("portal:version-move", args=[programme.pk, version.pk, "publish"]))
    programme.refresh_from_db()
    assert (programme.version, programme.ratio_bp, programme.budget_fen) == (2, 4_000, 50_000_00)


def _opened(programme: Programme, reviewer: Client, owner: Client) -> Round:
    form = {"name": "首批", "method": "pro_rata", "reviewers": 0, "panel_size": 0, "review_days": 5, "appeal_days": 10}
    form |= {"supplement_days": 5, "publicity_days": 0, **WINDOW}
    reviewer.post(reverse("portal:round-new", args=[programme.pk]), form)
    procedure = Round.objects.get(programme=programme)
    owner.post(reverse("portal:round-act", args=[procedure.pk, "open"]))
    procedure.refresh_from_db()
    assert procedure.status == RoundStatus.OPEN
    return procedure


def _allocated(procedure: Round, reviewer: Client) -> None:
    """Look at every way, and let the round's own happen: 50,000 yuan for 72,000 that could be had."""
    page = reverse("portal:round-desk", args=[procedure.pk])
    ways = {str(one.method): one for one in reviewer.get(page).context["ways"]}
    assert list(ways) == ["pro_rata", "batch", "lottery"]
    seen = [award.amount_fen for _one, award, _could in ways["pro_rata"].rows]
    assert seen == [25_000_00, 16_666_67, 8_333_33]
    assert (ways["pro_rata"].factor_bp, ways["batch"].served, ways["batch"].left_fen) == (6_944, 1, 14_000_00)
    reviewer.post(reverse("portal:round-act", args=[procedure.pk, "allocate"]))
    rows = Application.objects.filter(round=procedure).order_by("place")
    assert [one.reserved_fen for one in rows] == seen


def _granted(procedure: Round, reviewer: Client, owner: Client) -> None:
    """Approve at the applications' desk: not by whoever allocated, but by another."""
    rows = list(Application.objects.filter(round=procedure))
    cases = [f"{one.pk}:{one.status}" for one in rows]
    for client in (reviewer, owner):
        assert not Grant.objects.filter(application__in=rows).exists()
        client.post(reverse("portal:applications-bulk"), {"verb": "approve", "case": cases})
    assert sorted(Grant.objects.filter(application__in=rows).values_list("face_fen", flat=True)) == [
        8_333_33,
        16_666_67,
        25_000_00,
    ]
