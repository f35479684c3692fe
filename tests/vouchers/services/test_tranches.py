"""Instalments of a budget: what may be granted is what has been released so far, whoever grants it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from core.constraints import constraint_name
from tests.gathering import FEW, LONG, Gathering
from tests.market.races import race
from tests.owning import as_owner
from tests.vouchers import filing, scenes
from tests.vouchers.scenes import AT, officer
from vouchers import dashboards, pools, reconciliation, tranches
from vouchers.api import trial
from vouchers.models import Grant, Programme
from vouchers.parameters import codec
from vouchers.rules.steps import Cap
from vouchers.services import bulk_grants, grants, programmes
from vouchers.services.applications import deciding, rounds, sweeping

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=30)


def released(**more) -> Programme:
    """Return a programme of 3,000,000 fen: 500,000 in no instalment, 500,000 released long ago, the rest in 30 days."""
    parts = [(AT - timedelta(days=30), 500_000), (LATER, 2_000_000)]
    named = [{"released_on": f"{day:%Y-%m-%d}", "amount_fen": fen} for day, fen in parts]
    draft = scenes.draft(open_registry=True, budget_fen=3_000_000, **more)
    changes = {"identity.code": f"{draft.code}-T", "money.tranches": named}
    parameters = codec.changed(draft.parameters, changes)
    again = programmes.draft_of(authority=draft.authority, parameters=parameters, actor=officer(1), at=AT)
    return programmes.publish(programme=again, actor=officer(2), at=AT)


def proposed(programme: Programme, face_fen: int) -> Grant:
    return grants.propose(programme=programme, owner=scenes.buyer(), face_fen=face_fen, actor=officer(1), at=AT)


def test_grants_get_what_is_released_and_the_rest_on_its_day():
    programme = released()
    first, second = proposed(programme, 900_000), proposed(programme, 100_001)
    assert tranches.left_fen(programme, at=AT) == 1_000_000
    grants.approve(grant=first, actor=officer(2), at=AT)

    with pytest.raises(grants.NotReleased) as refused, transaction.atomic():
        grants.approve(grant=second, actor=officer(2), at=AT)
    assert (refused.value.code, refused.value.extra) == ("budget-not-released", {"cap": "TRANCHE"})
    board = dashboards.of(programmes=[programme], at=AT)[programme.pk]
    assert (board.parts["unallocated"], board.parts["unreleased"]) == (100_000, 2_000_000)
    assert [one.released for one in tranches.of(programme, at=AT)] == [True, False]

    grants.approve(grant=second, actor=officer(2), at=LATER)
    board = dashboards.of(programmes=[programme], at=LATER)[programme.pk]
    assert (board.parts["unallocated"], "unreleased" in board.parts) == (1_999_999, False)


def test_an_application_beyond_what_is_released_waits_for_its_day():
    programme = released()
    procedure = filing.opened(programme, **filing.SIMPLE)
    first, second = (filing.submitted(procedure, asked_fen=fen) for fen in (900_000, 200_000))
    assert [filing.status(one) for one in (first, second)] == ["proposed", "waitlisted"]
    assert rounds.left_fen(procedure, at=AT) == 100_000
    deciding.approve(application=first, actor=officer(2), at=AT)

    assert sweeping.offer_freed_budget(at=LATER - timedelta(days=1)) == 0
    assert sweeping.offer_freed_budget(at=LATER) == 1
    assert filing.status(second) == "proposed"
    assert reconciliation.discrepancies() == []


def test_a_quote_and_a_sheet_name_what_the_instalments_leave():
    programme = released()
    body = {"spending": [{"category": "GPU_TRAIN", "provider_listed": True, "amount_fen": 9_000_000}]}
    quoted = trial.quote(programme, body, at=AT)
    assert (quoted.amount_fen, quoted.binding_cap) == (1_000_000, Cap.TRANCHE)
    assert trial.quote(programme, body | {"limits": {"released_left_fen": 7}}, at=AT).amount_fen == 7

    firm = scenes.buyer()
    content = f"统一社会信用代码,面额（元）\n{firm.credit_code},12000".encode()
    short = [bulk_grants.preview(programme=programme, content=content, at=at).short_fen for at in (AT, LATER)]
    assert short == [200_000, 0]


def test_raw_sql_grants_nothing_that_is_not_released():
    programme = released()
    grant = proposed(programme, 1_000_001)

    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT voucher_keep_released(%s, %s, %s)", [programme.pk, AT, grant.face_fen])
    assert constraint_name(refused.value) == "award_within_released"


@pytest.fixture
def waiting(transactional_db):
    programme = released()
    return programme, [proposed(programme, 400_000) for _ in range(FEW)]


def approve_at_once(found):
    return race(lambda number: grants.approve(grant=found[number], actor=officer(2), at=AT), threads=FEW)


def test_what_is_released_is_granted_to_its_last_fen_and_no_further(waiting):
    programme, found = waiting

    assert approve_at_once(found) == {"ok": 2, "budget-not-released": FEW - 2}
    assert tranches.left_fen(programme, at=AT) == 200_000
    assert reconciliation.discrepancies() == []


def test_without_the_lock_of_the_budget_more_is_granted_than_was_released(waiting, monkeypatch):
    _programme, found = waiting
    monkeypatch.setattr(pools, "lock_budget", lambda _grant: None)
    monkeypatch.setattr(grants, "_give", Gathering(FEW, patience=LONG).before(grants._give))
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('voucher_keep_released(uuid,timestamptz,bigint)'::regprocedure)")
        (kept,) = cursor.fetchone()
        cursor.execute(kept.replace("FOR NO KEY UPDATE OF balance", ""))
    try:
        assert approve_at_once(found) == {"ok": FEW}
    finally:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(kept)
