"""Lines beside the card-hour: cut where months end, cash within the buyer's limit and its budget, whole to the fen."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.services.audit import Actor
from billing import selectors, tasks
from billing.models import AutoExtension, Charge, LineCharge, SpendingLimit, TakenLine
from billing.services import (
    auto_extensions,
    early_ends,
    extending,
    fundings,
    line_charges,
    spending_limits,
    taken_lines,
)
from billing.services.auto_extensions import Instruction
from core.errors import NotFound
from core.periods import HOUR
from market.models import Reservation
from market.services import listings, reservations
from market.services.reservations import Stop
from tests.billing import scenes
from tests.billing.scenes import AT, START


def sold(offering, **terms):
    line = {"kind": "storage", "name": "NVMe", "unit": "gib-month", "price_micro": 360_000} | terms
    return listings.add_line(offering=offering, actor=Actor(organization=offering.provider), at=AT, **line)


def take(reservation, buyer, line, quantity=1_000, at=START):
    wanted = {line.pk: quantity}
    return taken_lines.take(reservation=reservation, wanted=wanted, actor=Actor(organization=buyer), at=at)[0]


def amounts():
    return [(one.hour, one.amount_fen) for one in Charge.objects.lines().order_by("pk")]


def test_a_charge_is_on_the_bill_of_one_month_and_what_costs_nothing_is_no_charge(buyer, offering):
    # Three hours from 23:00 of the last of October in Shanghai on, charged late and together.
    starts_at = datetime(2026, 10, 31, 15, tzinfo=UTC)
    reservation = scenes.matched(buyer, offering, starts_at=starts_at, at=AT)
    take(reservation, buyer, sold(offering), at=AT)
    take(reservation, buyer, sold(offering, name="Free", price_micro=0), at=AT)
    reservations.advance(at=starts_at)
    assert line_charges.due(at=starts_at, limit=10) == []
    reservations.advance(at=starts_at + 3 * HOUR)

    tasks.charge_some_lines(reservation_ids=[str(one) for one in line_charges.due(at=starts_at + 3 * HOUR, limit=10)])

    assert amounts() == [(starts_at, 50), (starts_at + HOUR, 100)]
    assert set(TakenLine.objects.values_list("status", flat=True)) == {"settled"}
    assert line_charges.due(at=starts_at + 9 * HOUR, limit=10) == []
    assert scenes.broken() == []


def test_the_hour_in_which_the_provider_breaks_off_is_not_charged_and_closing_charges_the_rest(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    take(reservation, buyer, sold(offering))
    stop = Stop("interrupted", "hardware-fault", START + HOUR + timedelta(minutes=40))
    reservations.finish(reservation=reservation, stop=stop)

    fundings.close(funding=scenes.funding(reservation.order), at=stop.at)

    assert amounts() == [(START, 50)]
    assert scenes.broken() == []


def test_the_hour_that_has_begun_when_a_buyer_ends_is_charged_and_what_is_given_up_is_free_at_once(buyer, offering):
    reservation, actor = scenes.reserve(buyer, offering), Actor(organization=buyer)
    kept, given_up = take(reservation, buyer, sold(offering)), take(reservation, buyer, sold(offering, name="Other"))
    assert selectors.wallet(buyer).held_fen == 1_200 + 150 + 150

    taken_lines.give_up(line=given_up, actor=actor, at=START + timedelta(minutes=1))

    assert selectors.wallet(buyer).held_fen == 1_200 + 150 + 50
    early_ends.terminate(reservation=reservation, actor=actor, at=START + HOUR + timedelta(minutes=1))
    line_charges.charge(reservation_id=reservation.pk, at=START + 2 * HOUR)
    assert {line.name: sum(one.charge.amount_fen for one in line.charges.all()) for line in (kept, given_up)} == {
        "NVMe": 100,
        "Other": 50,
    }
    assert scenes.broken() == []


def test_lines_count_for_the_limit_of_an_order_and_the_budget_of_an_instruction(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    line, owner = sold(offering), scenes.person()
    limit = SpendingLimit.objects.create(organization=buyer, limit_fen=1_349, set_by=owner, set_at=AT)
    with pytest.raises(spending_limits.ApprovalNeeded):
        take(reservation, buyer, line)
    SpendingLimit.objects.update(limit_fen=1_350)
    taken = take(reservation, buyer, line)
    SpendingLimit.objects.update(limit_fen=1_349)
    copy = {name: getattr(taken, name) for name in ("kind", "name", "unit", "quantity", "price_micro", "taken_at")}
    copy |= {name: getattr(taken, name) for name in ("funding", "reservation", "starts_at", "ends_at", "charged_until")}
    with pytest.raises(IntegrityError, match="more than one person"), transaction.atomic():
        TakenLine.objects.create(status="running", estimate_fen=0, **copy)
    limit.delete()

    # An hour more costs ¥4.00 and ¥0.50 for the storage: ¥4.49 are too little.
    wish = {"limit_micro": 2_000_000, "until": reservation.ends_at + 2 * HOUR, "step_hours": 1, "lead_hours": 3}
    for budget, steps in ((449, 0), (450, 1)):
        one = auto_extensions.instruct(
            reservation=Reservation.objects.select_related("order").get(),
            instruction=Instruction(budget_fen=budget, **wish),
            actor=Actor(organization=buyer),
            at=START,
        )
        auto_extensions.step(instruction_id=one.pk, at=START)
        assert AutoExtension.objects.get(pk=one.pk).steps.count() == steps
    assert AutoExtension.objects.get(pk=one.pk).spent_fen == 450


def test_hours_that_come_back_and_are_taken_again_are_paid_once(buyer, offering):
    reservation = scenes.reserve(buyer, offering, hours=4)
    take(reservation, buyer, sold(offering))
    actor = Actor(organization=buyer)
    taken_lines.fit(reservation=reservation, ends_at=START + 2 * HOUR)
    Reservation.objects.update(ends_at=START + 2 * HOUR)
    extending.extend(
        reservation=Reservation.objects.select_related("order").get(), hours=3, grant=None, actor=actor, at=START
    )
    reservations.advance(at=START + 5 * HOUR)

    line_charges.charge(reservation_id=reservation.pk, at=START + 5 * HOUR)

    assert sum(fen for _hour, fen in amounts()) == 250


def test_hours_added_anew_after_all_added_ones_were_given_back_take_each_line_along_once(buyer, offering):
    reservation, actor = scenes.reserve(buyer, offering), Actor(organization=buyer)
    take(reservation, buyer, sold(offering))
    again = Reservation.objects.select_related("order__buyer", "provider").get
    wish = {"budget_fen": 10_000, "limit_micro": 2_000_000, "until": START + 9 * HOUR, "step_hours": 2}
    for _time in range(2):
        extending.extend(reservation=again(), hours=2, grant=None, actor=actor, at=START)
        early_ends.shorten(reservation=again(), hours=2, actor=actor, at=START)

    told = extending.quote(reservation=again(), hours=2, grant=None, at=START)
    one = auto_extensions.instruct(reservation=again(), instruction=Instruction(**wish), actor=actor, at=START)
    auto_extensions.step(instruction_id=one.pk, at=START + HOUR)

    assert told.lines_fen == 100
    assert AutoExtension.objects.get().spent_fen == 800 + 100
    reservations.advance(at=START + 5 * HOUR)
    line_charges.charge(reservation_id=reservation.pk, at=START + 5 * HOUR)
    assert sum(fen for _hour, fen in amounts()) == 250
    assert scenes.broken() == []


def test_the_database_keeps_a_line_and_its_charges_as_they_were_agreed(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    line = take(reservation, buyer, sold(offering))
    for change in ({"quantity": 2}, {"price_micro": 1}, {"stopped_at": line.ends_at + HOUR}):
        with pytest.raises(IntegrityError), transaction.atomic():
            TakenLine.objects.filter(pk=line.pk).update(**change)
    reservations.advance(at=reservation.ends_at)
    line_charges.charge(reservation_id=reservation.pk, at=reservation.ends_at)
    charge = Charge.objects.get()
    parts = {name: getattr(charge, name) for name in ("reservation", "buyer", "provider", "hour", "charged_at")}
    none = {"voucher_fen": 0, "commission_fen": 0, "vat_fen": 0, "accelerator_ms": 0, "price_micro": 0}
    fen = {"amount_fen": 1, "wallet_fen": 1, "provider_fen": 1}

    @transaction.atomic
    def charged_again() -> None:
        again = Charge.objects.create(kind="line", version=2, **parts, **none, **fen)
        LineCharge.objects.create(charge=again, line=line, starts_at=line.starts_at, ends_at=line.ends_at)

    with pytest.raises(IntegrityError, match="more than was set aside"):
        charged_again()
    with pytest.raises(IntegrityError, match="charge_line_is_cash"), transaction.atomic():
        Charge.objects.create(
            kind="line", version=3, **parts, **(none | {"voucher_fen": 1}), **(fen | {"wallet_fen": 0})
        )
    with pytest.raises(NotFound):
        taken_lines.of_reservation(reservation=reservation, line_id=reservation.pk)
    with pytest.raises(listings.BadUnit):
        sold(offering, name="Other", unit="GiB")
