"""What a case may be about, and what it demands step by step, to the fen."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT, officer
from vouchers.models import Clawback
from vouchers.parameters.integrity import Clawback as Terms
from vouchers.parameters.integrity import Interest
from vouchers.services import clawbacks, demands, redemptions


@pytest.fixture
def spent(grant):
    """A redemption that paid 5.00, 3.00 and 2.00 yuan on three days."""
    redemption = scenes.hold(grant, 40_00)
    for day, fen in enumerate((500, 300, 200)):
        scenes.capture(redemption, fen, at=AT + timedelta(days=day))
    redemption.refresh_from_db()
    return redemption


def opened(grant, fen, spent):
    items = demands.items(grant=grant, amounts={spent.pk: fen})
    return clawbacks.suspect(grant=grant, items=items, reason="x", actor=officer(1), at=AT)


def left(grant):
    return [(one.redemption, one.left_fen) for one in demands.takeable(grant=grant)]


def test_the_latest_captures_are_taken_first_and_what_a_case_has_no_other_takes(grant, spent):
    untouched = scenes.hold(grant, 10_00)
    first = opened(grant, 350, spent)

    assert [item.amount_fen for item in first.items.order_by("-capture__captured_at")] == [200, 150]
    assert left(grant) == [(spent, 650)]
    second = opened(grant, 650, spent)
    assert sorted(item.amount_fen for item in second.items.all()) == [150, 500]
    assert left(grant) == []
    for fen in (1, 651):
        with pytest.raises(demands.BeyondPaid):
            demands.items(grant=grant, amounts={spent.pk: fen})
    with pytest.raises(demands.BeyondPaid):
        demands.items(grant=grant, amounts={untouched.pk: 1})
    clawbacks.dismiss(clawback=second, reason="x", actor=officer(2), at=AT)
    assert left(grant) == [(spent, 650)]


def test_another_grants_captures_are_not_taken(grant, spent):
    with pytest.raises(demands.BeyondPaid):
        demands.items(grant=scenes.grant(grant.programme), amounts={spent.pk: 1})


def test_a_demand_is_kept_step_by_step_with_its_interest(db):
    programme = cases.minding(clawback=Terms(interest=Interest.FIXED, interest_bp=365))
    grant = scenes.grant(programme)
    early, late = cases.paid(grant, 1_000_000, 50_000)
    redemptions.refund(redemption=late.redemption, reference="r", amount_fen=20_000, at=AT)
    case = cases.noticed(grant, [early])
    over = case.response_due_at
    days = (over + timedelta(hours=8)).date() - AT.date()

    foreseen = demands.calculate(clawback=case, at=over)
    decided = clawbacks.uphold(clawback=case, reason="x", actor=officer(2), at=over)

    interest_fen = 1_000_000 * 365 * days.days // 3_650_000
    assert decided.calculation == foreseen == {
        "on": (over + timedelta(hours=8)).date().isoformat(),
        "interest_bp": 365,
        "principal_fen": 1_000_000,
        "interest_fen": interest_fen,
        "steps": [
            {
                "reference": early.redemption.reference,
                "captures": 1,
                "paid_from": "2025-06-30",
                "paid_until": "2025-06-30",
                "asked_fen": 1_000_000,
                "net_fen": 1_000_000,
                "taken_fen": 1_000_000,
                "interest_fen": interest_fen,
            }
        ],
    }  # fmt: skip
    assert (decided.principal_fen, decided.interest_fen) == (1_000_000, interest_fen)
    with pytest.raises(IntegrityError, match="what was calculated stays"), transaction.atomic():
        Clawback.objects.filter(pk=case.pk).update(calculation={})
