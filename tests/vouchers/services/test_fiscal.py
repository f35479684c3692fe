"""The year of a budget: what nobody was granted by its end lapses, or carries over; no fen of it is lost."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry
from core.constraints import constraint_name
from core.periods import midnight
from ledger.services import posting
from ledger.services.posting import Leg, Overdrawn
from tests.gathering import FEW
from tests.market.races import race
from tests.vouchers import log, scenes
from tests.vouchers.scenes import AT, officer
from tests.vouchers.services.test_versions import amended
from vouchers import canonical, chart, selectors, tasks
from vouchers.chart import Kind
from vouchers.models import LogEntry, Programme
from vouchers.parameters import codec
from vouchers.services import fiscal, grants, programmes

pytestmark = pytest.mark.django_db
NEW_YEAR = midnight(date(2026, 1, 1))
BEFORE = NEW_YEAR - timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _key_of_the_test(settings, tmp_path):
    settings.TRANSPARENCY_KEY_FILE = str(tmp_path / "log.key")


def of_the_year(**changes) -> Programme:
    plain = scenes.draft(open_registry=True, budget_fen=5_000_000)
    terms = {"identity.code": f"{plain.code}-Y", "identity.closes_on": "2026-12-31", "money.fiscal_year": 2025}
    parameters = codec.changed(plain.parameters, terms | changes)
    drafted = programmes.draft_of(authority=plain.authority, parameters=parameters, actor=officer(1), at=AT)
    return programmes.publish(programme=drafted, actor=officer(2), at=AT)


def position(programme):
    (found,) = selectors.programme_positions(programmes=[programme])
    assert found.adds_up
    return found[2:8]


def proposed(programme, face_fen, at=AT):
    return grants.propose(programme=programme, owner=scenes.buyer(), face_fen=face_fen, actor=officer(1), at=at)


def test_the_rest_of_a_budget_lapses_with_its_year_and_what_comes_back_follows(tmp_path):
    programme, other = of_the_year(), of_the_year(**{"money.carryover": "CARRY"})
    kept, returned = (scenes.grant(programme, face_fen=2_000_000) for _ in range(2))
    waits = proposed(programme, 1)
    assert fiscal.lapse_due(at=BEFORE) == 0
    assert position(programme) == (5_000_000, 1_000_000, 4_000_000, 0, 0, 0)

    assert fiscal.lapse_due(at=NEW_YEAR) == 1
    assert fiscal.lapse_due(at=NEW_YEAR) == 0

    assert position(programme) == (5_000_000, 0, 4_000_000, 0, 0, 1_000_000)
    assert position(other) == (5_000_000, 5_000_000, 0, 0, 0, 0)
    with pytest.raises(grants.BudgetExhausted):
        grants.approve(grant=waits, actor=officer(2), at=NEW_YEAR)
    scenes.hold(kept, 1_000_000, at=NEW_YEAR)
    grants.revoke(grant=returned, actor=officer(1), at=NEW_YEAR)
    assert fiscal.lapse_due(at=NEW_YEAR) == 1
    assert position(programme) == (5_000_000, 0, 1_700_000, 300_000, 0, 3_000_000)
    told = AuditEntry.objects.filter(verb="programme.budget_lapsed").order_by("pk").values_list("after", flat=True)
    assert [one["amount_fen"] for one in told] == [1_000_000, 2_000_000]
    assert selectors.programme_positions(programmes=[programme])[0].forgone_fen == 3_000_000
    log.published()
    verdict = log.verify(log.export(tmp_path), tmp_path / "log.pub")
    assert verdict.code == 0, verdict.said
    assert "expired=3000000" in verdict.said
    entry = canonical.decode(bytes(LogEntry.objects.filter(kind="forgo").earliest("seq").payload))
    assert (entry["programme"], entry["amount_fen"]) == (str(programme.pk), 1_000_000)


def test_a_version_for_the_next_year_brings_its_own_money_and_keeps_the_rest_from_lapsing():
    programme = of_the_year()
    fiscal.lapse_due(at=NEW_YEAR)
    amended(programme, **{"money.fiscal_year": 2026, "money.budget_fen": 8_000_000})

    assert fiscal.lapse_due(at=NEW_YEAR) == 0

    assert position(programme) == (8_000_000, 3_000_000, 0, 0, 0, 5_000_000)


def test_the_database_lets_no_budget_lapse_before_its_year_is_over_or_where_it_carries_over():
    ended, carrying = of_the_year(), of_the_year(**{"money.carryover": "CARRY"})
    for programme, at in ((ended, BEFORE), (carrying, NEW_YEAR)):
        accounts = posting.open_accounts(floors={chart.budget(programme.pk): 0, chart.lapsed(programme.pk): None})
        legs = [Leg(accounts[chart.budget(programme.pk)], -1), Leg(accounts[chart.lapsed(programme.pk)], 1)]
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            posting.post(key=f"programme/{programme.pk}/forgo/x", kind=Kind.FORGO, legs=legs, at=at)
        assert constraint_name(refusal.value) == "budget_lapses_after_its_year"


@pytest.mark.django_db(transaction=True)
def test_who_grants_and_the_clock_that_lets_the_rest_lapse_share_it_to_the_fen():
    programme = of_the_year()
    waiting = [proposed(programme, 2_000_000) for _ in range(FEW)]
    officer(2)

    def grant_or_lapse(number):
        if number:
            grants.approve(grant=waiting[number], actor=officer(2), at=NEW_YEAR)
        else:
            fiscal.lapse_due(at=NEW_YEAR)

    outcomes = race(grant_or_lapse, threads=FEW)

    budget, unallocated, available, *_rest, lapsed = position(programme)
    granted = outcomes["ok"] - 1
    assert (unallocated, available, lapsed) == (0, granted * 2_000_000, budget - granted * 2_000_000)


def test_without_the_lock_on_the_budget_the_clock_takes_what_was_granted_meanwhile(monkeypatch):
    programme = of_the_year()
    waits, look = proposed(programme, 2_000_000), fiscal._left_fen

    def looked_before(programme_id):
        left_fen = look(programme_id)
        grants.approve(grant=waits, actor=officer(2), at=NEW_YEAR)
        return left_fen

    monkeypatch.setattr(fiscal, "_left_fen", looked_before)
    with pytest.raises(Overdrawn), transaction.atomic():
        fiscal.lapse_due(at=NEW_YEAR)

    assert position(programme) == (5_000_000, 5_000_000, 0, 0, 0, 0)


def test_the_clock_lets_budgets_lapse_with_the_grants_that_expire():
    programme = of_the_year()

    tasks.expire_grants()

    assert position(programme) == (5_000_000, 0, 0, 0, 0, 5_000_000), "2025 is over today"
