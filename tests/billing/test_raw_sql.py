"""What the database refuses to write about money, whoever asks: forged copies of what was written as it should be."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction

from accounts.services.audit import Actor
from billing.models import Charge, Funding, Supplement
from billing.services import early_ends, extending
from core.constraints import constraint_name
from core.ids import uuid7
from core.periods import HOUR
from market.models import MeteredHour, Reservation
from market.services import downtimes, reservations
from tests.billing import scenes
from tests.billing.scenes import CARD_HOUR_MS
from tests.billing.services.test_early_ends import NOW, START
from tests.market import scenes as markets

FULL = 2 * CARD_HOUR_MS


@transaction.atomic
def commit(row: models.Model) -> None:
    row.save(force_insert=True)
    connection.check_constraints()


def forged(original: models.Model, **changes: Any) -> str:
    """Write a copy with some columns changed, up to the commit, and return the constraint that refuses it."""
    columns = {one.attname: getattr(original, one.attname) for one in original._meta.concrete_fields}
    columns |= {"id": None if isinstance(original, Charge) else uuid7()} | changes
    with pytest.raises(IntegrityError) as refusal:
        commit(type(original)(**columns))
    return constraint_name(refusal.value)


@pytest.fixture
def reservation(buyer, offering, grant):
    """Four hours, one of them added, of which the first is used and the last is given back late; a credit beside."""
    made = scenes.matched(buyer, offering, voucher=grant, starts_at=START, at=NOW)
    reservations.advance(at=START)
    actor = Actor(organization=buyer)
    extending.extend(reservation=made, hours=1, grant=grant, actor=actor, at=START)
    made = Reservation.objects.select_related("order__buyer", "provider").get()
    early_ends.shorten(reservation=made, hours=1, actor=actor, at=START)
    made.refresh_from_db()
    scenes.meter(made, FULL)
    scenes.rate(made)
    seller = Actor(organization=made.provider)
    span = {"starts_at": made.starts_at, "ends_at": made.starts_at + timedelta(minutes=9), "code": "network"}
    reservations.advance(at=made.ends_at)
    downtimes.report(reservation=made, detail="", actor=seller, at=made.ends_at, **span)
    scenes.rate(made, at=made.ends_at)
    return Reservation.objects.get(pk=made.pk)


def test_a_charge_is_of_its_reservation_says_why_and_is_in_turn(reservation, buyer, offering):
    usage, fee, credit = (Charge.objects.get(kind=kind) for kind in ("usage", "fee", "credit"))
    MeteredHour.objects.update(version=9)
    other = scenes.matched(scenes.funded_buyer(), offering, starts_at=START + 9 * HOUR, at=START)
    scenes.meter(other, FULL)
    elsewhere = MeteredHour.objects.get(reservation=other)

    wrong = "charge_is_of_its_reservation"
    assert forged(usage, version=2, provider_id=markets.provider().pk) == wrong
    assert forged(usage, version=2, buyer_id=other.order.buyer_id) == wrong
    assert forged(usage, version=2, hour=usage.hour + HOUR) == wrong
    assert forged(usage, metered_hour_id=elsewhere.pk) == wrong
    assert forged(usage, version=10) == wrong
    assert forged(fee, version=2, reservation_id=other.pk, buyer_id=other.order.buyer_id, supplement_id=None) == (
        "charge_says_why"
    )
    supplement = Supplement.objects.get()
    foreign = {"reservation_id": other.pk, "buyer_id": other.order.buyer_id, "metered_hour_id": elsewhere.pk}
    assert forged(usage, version=9, **foreign, supplement_id=supplement.pk) == wrong

    assert [forged(one, version=2) for one in (fee, credit)] == ["charge_says_why"] * 2
    assert forged(fee, kind="line", version=1) == "charge_says_why"
    assert [forged(usage), forged(fee), forged(credit)] == [
        "charge_once_per_version",
        "charge_fee_in_turn",
        "charge_credit_in_turn",
    ]
    assert forged(fee, version=2, voucher_fen=fee.amount_fen, wallet_fen=0) == "charge_fee_is_cash"
    assert forged(usage, version=2, metered_hour_id=None) == "charge_usage_has_an_hour"
    assert forged(usage, version=2, wallet_fen=usage.wallet_fen + 1) == "charge_funding_adds_up"
    assert forged(usage, version=2, vat_fen=usage.vat_fen + 1) == "charge_shares_add_up"
    assert Charge.objects.count() == 3


def test_what_is_set_aside_has_its_holds_and_adds_up(reservation):
    funding, supplement = Funding.objects.get(), Supplement.objects.get()
    zero = {"voucher_fen": 0, "wallet_fen": 0, "estimate_fen": 0}
    for row, name in ((funding, "funding"), (supplement, "supplement")):
        turn: dict[str, Any] = {"number": 2} if row is supplement else {}
        none = {"redemption_id": None, "wallet_hold_id": None, "voucher_commission_bp": None, **turn}
        assert forged(row, **none, **zero | {"wallet_fen": 1, "estimate_fen": 1}) == f"{name}_wallet_has_hold"
        assert forged(row, **none, **zero | {"voucher_fen": 1, "estimate_fen": 1}) == f"{name}_voucher_has_redemption"
        assert forged(row, **none, **zero | {"estimate_fen": 1}) == f"{name}_adds_up"
        assert forged(row, **none, **zero | {"voucher_fen": 1, "wallet_fen": -1}) == f"{name}_not_negative"
        assert forged(row, **turn, voucher_commission_bp=1) == "voucher_commission_is_the_programmes"
    again = {"redemption_id": None, "voucher_commission_bp": None, "wallet_hold_id": None}
    assert forged(supplement, **again, **zero) == "supplement_in_turn"
    assert forged(funding, commission_bp=10_001) == "funding_commission_in_range"
    assert forged(funding, status="gone") == "funding_status_known"
