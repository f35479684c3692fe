"""Thirty-two at once: one effect per key, one charge per change, one number per invoice, and nothing lost in between.

Each race is run again with its guard removed, and must then go wrong.
"""

from collections.abc import Callable
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from rest_framework.test import APIClient

from accounts.models import IdempotentRequest
from accounts.services import idempotency, keys
from accounts.services.audit import SYSTEM, Actor
from billing import selectors
from billing.models import Charge, FundingStatus, Invoice, MeterChange
from billing.services import (
    arrears,
    asking,
    charges,
    checkout,
    extending,
    fundings,
    invoicing,
    line_charges,
    taken_lines,
    top_ups,
)
from core.errors import DomainError
from ledger.services import posting
from market.models import CalendarHour, Order, OrderStatus, Reservation, ReservationStatus
from market.services import listings, matching, reservations
from tests.billing import scenes
from tests.billing.scenes import AT, CARD_HOUR_MS, HOUR, START
from tests.billing.services.test_claims import refused
from tests.billing.services.test_invoicing import CLOSED, OCTOBER
from tests.gathering import FEW, LONG, PATIENCE, Gathering, look_instead_of_locking
from tests.market.races import THREADS, race, without_constraint
from vouchers.services import redemptions
from vouchers.services.claims import answers

FULL = 2 * CARD_HOUR_MS


class Belt(DomainError):
    """A constraint of the database refused what a lock should have kept from it."""

    code = "constraint"


def belted(act: Callable[[int], Any]) -> Callable[[int], Any]:
    """Count a refusal by a constraint as an outcome."""

    def run(number: int) -> None:
        try:
            act(number)
        except IntegrityError as error:
            raise Belt(str(error)) from error

    return run


@pytest.fixture
def unlocked(monkeypatch):
    """Return a way to take every row lock of ours away from ``FEW`` threads."""
    return lambda first=LONG: look_instead_of_locking(monkeypatch, parties=FEW, first=first)


# The same idempotency key


@pytest.fixture
def order_once(transactional_db, buyer, offering, grant, set_clock):
    """Return a way to send the same order under the same key, which answers with the status."""
    set_clock(AT)
    _key, token = keys.issue(organization=buyer, name="test", scopes=["orders"], actor=SYSTEM, at=AT)
    body = {
        "category": "GPU_TRAIN",
        "accelerators": [offering.accelerator.code],
        "count": 2,
        "hours": 3,
        "start_min": START.isoformat(),
        "start_max": (START + 2 * HOUR).isoformat(),
        "limit_micro": 2_000_000,
        "grant": str(grant.pk),
    }

    def send(_number: int) -> None:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
        answers.append(APIClient().post("/api/v1/orders", body, format="json", headers=headers))

    answers: list[Any] = []
    return send, answers


def test_one_key_has_one_effect_and_one_answer(order_once):
    send, answers = order_once

    race(send)

    assert Order.objects.count() == 1
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in made}) == 1
    assert len([answer for answer in made if "Idempotency-Replayed" not in answer.headers]) == 1
    refused = [answer.json()["code"] for answer in answers if answer.status_code != 201]
    assert set(refused) <= {"idempotency-in-flight"}
    assert len(made) + len(refused) == THREADS


def test_without_its_guards_one_key_has_several_effects(order_once, monkeypatch):
    send, _answers = order_once
    everyone_has_looked = Gathering(FEW, first=LONG)
    monkeypatch.setattr(idempotency, "try_lock", lambda _scope: True)
    monkeypatch.setattr(asking, "place", everyone_has_looked.before(asking.place))

    with without_constraint("accounts_idempotentrequest", "idempotent_request_once"):
        race(send, threads=FEW)

        assert Order.objects.count() > 1
        assert IdempotentRequest.objects.count() > 1


# The same usage


def test_the_same_usage_is_charged_once(transactional_db, buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL, FULL)

    outcomes = race(lambda _number: charges.rate_reservation(reservation_id=reservation.pk, at=START))

    assert outcomes == {"ok": THREADS}
    assert Charge.objects.count() == 2
    assert selectors.wallet(buyer).balance_fen == 100_000 - 400
    assert scenes.broken() == []


def test_without_its_guards_the_same_usage_is_charged_twice(transactional_db, buyer, offering, unlocked):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, CARD_HOUR_MS // 4)
    MeterChange.objects.all().delete()  # taking it off the list waits for whoever else does
    unlocked()

    with without_constraint("billing_charge", "charge_once_per_version"):
        race(lambda _number: charges.rate_reservation(reservation_id=reservation.pk, at=START), threads=FEW)

        assert Charge.objects.count() > 1


# The same day of a line beside the card-hour


def with_a_line(buyer, offering) -> Reservation:
    """Return cards that are over, with a line of ¥0.50 an hour that nothing was charged for."""
    line = listings.add_line(
        offering=offering,
        kind="storage",
        name="NVMe",
        unit="gib-month",
        price_micro=360_000,
        actor=Actor(organization=offering.provider),
        at=AT,
    )
    reservation = scenes.reserve(buyer, offering)
    taken_lines.take(reservation=reservation, wanted={line.pk: 1_000}, actor=Actor(organization=buyer), at=START)
    reservations.advance(at=reservation.ends_at)
    return reservation


def test_a_line_is_charged_once(transactional_db, buyer, offering):
    reservation = with_a_line(buyer, offering)

    outcomes = race(lambda _number: line_charges.charge(reservation_id=reservation.pk, at=reservation.ends_at))

    assert outcomes == {"ok": THREADS}
    assert [charge.amount_fen for charge in Charge.objects.all()] == [150]
    assert scenes.broken() == []


def test_without_its_guards_a_line_is_charged_twice(transactional_db, buyer, offering, unlocked):
    reservation = with_a_line(buyer, offering)
    unlocked()
    act = belted(lambda _number: line_charges.charge(reservation_id=reservation.pk, at=reservation.ends_at))

    outcomes = race(act, threads=FEW)

    assert outcomes["constraint"] or Charge.objects.count() > 1


# Paying and giving back


def pay_or_give_back(reservation: Reservation, at: Any) -> Callable[[int], None]:
    """Let half of the threads charge and the other half give back what was set aside."""
    funding = scenes.funding(reservation.order)

    def act(number: int) -> None:
        if number % 2:
            charges.rate_reservation(reservation_id=reservation.pk, at=at)
        else:
            fundings.close(funding=funding, at=at)

    return act


def served(buyer, offering, grant) -> tuple[Reservation, Any]:
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL, FULL)
    return reservation, scenes.serve(reservation)


def test_whoever_comes_first_pays_or_gives_back_and_no_fen_is_lost(transactional_db, buyer, offering, grant):
    reservation, later = served(buyer, offering, grant)

    outcomes = race(pay_or_give_back(reservation, later))

    assert outcomes == {"ok": THREADS}
    assert Charge.objects.count() == 2
    assert scenes.funding(reservation.order).status == FundingStatus.CLOSED
    assert selectors.wallet(buyer).held_fen == 0
    assert scenes.broken() == []


def test_without_locks_payment_and_giving_back_trip_over_each_other(transactional_db, buyer, offering, grant, unlocked):
    reservation, later = served(buyer, offering, grant)
    unlocked()

    outcomes = race(belted(pay_or_give_back(reservation, later)), threads=FEW)

    assert set(outcomes) > {"ok"}


# Correcting usage and denying what was claimed for it


def correct_or_deny(buyer, provider, offering, programme) -> tuple[Reservation, Callable[[int], None]]:
    """Return a reservation of which ¥3.00 were claimed, and refused, and threads that correct its usage or deny it."""
    reservation = scenes.reserve(buyer, offering, voucher=scenes.grant(buyer, programme))
    scenes.meter(reservation, FULL, CARD_HOUR_MS)
    scenes.rate(reservation)
    fundings.close(funding=scenes.funding(reservation.order), at=scenes.serve(reservation))
    invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)
    line = refused(programme)
    scenes.meter(reservation, CARD_HOUR_MS)

    def act(number: int) -> None:
        if number % 2:
            charges.rate_reservation(reservation_id=reservation.pk, at=CLOSED)
        else:
            answers.reverse(line=line, at=line.resubmit_by)

    return reservation, act


def test_whether_usage_is_corrected_before_or_after_a_denial_the_provider_bears_what_is_left_of_it(
    transactional_db, buyer, provider, offering, programme
):
    reservation, act = correct_or_deny(buyer, provider, offering, programme)

    assert race(act, threads=8) == {"ok": 8}

    redemption = scenes.funding(reservation.order).redemption
    assert (redemption.captured_fen, redemption.refunded_fen) == (300, 300)
    assert scenes.fen(f"provider-payable/{provider.pk}") == 585 - 195 - 200
    assert scenes.fen(f"authority-receivable/{programme.pk}") == 0
    assert scenes.broken() == []


def test_without_locks_a_correction_and_a_denial_take_the_same_fen_back(
    transactional_db, buyer, provider, offering, programme, monkeypatch
):
    _reservation, act = correct_or_deny(buyer, provider, offering, programme)
    look_instead_of_locking(monkeypatch, parties=2)

    outcomes = race(belted(act), threads=2)

    assert outcomes["ok"] == 1


# Matching and cancelling


def match_or_cancel(order: Order, buyer, cancel: Callable[..., None]) -> Callable[[int], None]:
    def act(number: int) -> None:
        if number % 2:
            matching.run(at=AT)
        else:
            cancel(order=order, actor=Actor(organization=buyer), at=AT)

    return act


def test_an_order_that_is_cancelled_while_it_is_matched_holds_nothing(transactional_db, buyer, offering, grant):
    order = scenes.place(buyer, offering, voucher=grant)

    outcomes = race(match_or_cancel(order, buyer, checkout.cancel))

    assert outcomes["illegal-move"] == THREADS // 2 - 1
    assert Order.objects.get().status == OrderStatus.CANCELLED
    assert not Reservation.objects.exclude(status=ReservationStatus.RELEASED).exists()
    assert not CalendarHour.objects.exclude(reserved=0).exists()
    assert selectors.wallet(buyer) == selectors.Wallet(balance_fen=100_000, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []


def test_a_careless_cancel_leaves_cards_reserved_for_nobody(transactional_db, buyer, offering):
    order = scenes.place(buyer, offering)
    looked, matched = Event(), Event()

    def cancel_carelessly() -> None:
        """Look, dawdle until others have matched, then write: ``checkout.cancel`` without lock and guarded move."""
        assert Order.objects.get().status == OrderStatus.OPEN
        looked.set()
        assert matched.wait(timeout=60)
        Order.objects.update(status=OrderStatus.CANCELLED, cancelled_at=AT)

    def match_or_cancel_carelessly(number: int) -> None:
        if number:
            cancel_carelessly()
        else:
            assert looked.wait(timeout=60)
            matching.run(at=AT)
            matched.set()

    race(match_or_cancel_carelessly, threads=2)

    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELLED
    assert Reservation.objects.get(order=order).status == ReservationStatus.HELD


# Vouchers before wallets


def cancelling(buyer, offering, grant) -> Callable[[], None]:
    order = scenes.place(buyer, offering, voucher=grant)
    matching.run(at=AT)
    return lambda: checkout.cancel(order=order, actor=Actor(organization=buyer), at=AT)


def charging(buyer, offering, grant) -> Callable[[], None]:
    """Return a charge for hours that the wallet pays, and for one more that the voucher pays half of."""
    reservation = scenes.reserve(buyer, offering)
    extending.extend(reservation=reservation, hours=1, grant=grant, actor=Actor(organization=buyer), at=START)
    scenes.meter(reservation, FULL, FULL, FULL, FULL)
    return lambda: charges.rate_reservation(reservation_id=reservation.pk, at=START)


def beside_an_order(act, grant, buyer, offering, monkeypatch, meet: str) -> Callable[[int], None]:
    """Let one place an order, who has the voucher and wants the wallet, while another is about to use the voucher."""
    both = Gathering(2, patience=LONG)
    monkeypatch.setattr(checkout, "_hold_wallet", both.before(checkout._hold_wallet))
    monkeypatch.setattr(redemptions, meet, both.before(getattr(redemptions, meet)))
    return lambda number: scenes.place(buyer, offering, voucher=grant) if number else act()


@pytest.mark.parametrize(("prepare", "meet"), [(cancelling, "release"), (charging, "capture_many")])
def test_nobody_who_wants_a_voucher_has_the_wallet_that_its_user_waits_for(
    transactional_db, buyer, offering, grant, monkeypatch, prepare, meet
):
    act = beside_an_order(prepare(buyer, offering, grant), grant, buyer, offering, monkeypatch, meet)

    assert race(act, threads=2) == {"ok": 2}

    assert scenes.broken() == []


def test_who_takes_the_wallet_first_waits_in_a_circle(transactional_db, buyer, offering, grant, monkeypatch):
    act = beside_an_order(cancelling(buyer, offering, grant), grant, buyer, offering, monkeypatch, "release")
    monkeypatch.setattr(fundings, "release_vouchers", lambda **_terms: None)

    with pytest.raises(OperationalError, match="deadlock"):
        race(act, threads=2)


# The same invoice


@pytest.fixture
def buyers(transactional_db, offering):
    """Four buyers with a charge each in October."""
    made = []
    for _number in range(4):
        who = scenes.funded_buyer()
        reservation = scenes.reserve(who, offering)
        scenes.meter(reservation, FULL)
        scenes.rate(reservation)
        made.append(who)
    return made


def issue_all(provider, buyers) -> Callable[[int], None]:
    def act(number: int) -> None:
        invoicing.issue(issuer=provider, buyer=buyers[number % 4], month_on=OCTOBER, at=CLOSED)

    return act


def test_a_month_is_invoiced_once_and_numbers_have_no_gap(provider, buyers):
    outcomes = race(issue_all(provider, buyers))

    assert outcomes == {"ok": THREADS}
    assert sorted(Invoice.objects.values_list("number", flat=True)) == [1, 2, 3, 4]
    assert Invoice.objects.values("buyer").distinct().count() == 4


def test_without_its_lock_only_the_database_keeps_the_numbers(provider, buyers, unlocked):
    unlocked(first=PATIENCE)  # whoever makes the series keeps the others from looking at it

    outcomes = race(belted(issue_all(provider, buyers)), threads=FEW)

    assert outcomes["constraint"] > 0
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


# The same debt


def in_debt(provider, offering) -> Any:
    """Return a buyer to whom ¥8.00 were lent, with money on the way."""
    poor = scenes.funded_buyer(0)
    opened = posting.open_accounts(floors={f"wallet/{poor.pk}": 0, f"arrears/{poor.pk}": None, "sink": None})
    wallet, debt, sink = (opened[code] for code in (f"wallet/{poor.pk}", f"arrears/{poor.pk}", "sink"))
    arrears.lend(wallet=wallet, arrears=debt, amount_fen=800, key=str(uuid4()), at=AT)
    posting.post(key=str(uuid4()), kind="spend", legs=[posting.Leg(wallet, -800), posting.Leg(sink, 800)], at=AT)
    posting.post(key=str(uuid4()), kind="gift", legs=[posting.Leg(sink, -5_000), posting.Leg(wallet, 5_000)], at=AT)
    return poor


def repaying(poor) -> Callable[[int], None]:
    @transaction.atomic
    def act(number: int) -> None:
        arrears.repay(buyer=poor, key=f"{poor.pk}/{number}", at=AT)

    return act


def test_a_debt_is_repaid_once(transactional_db, provider, offering):
    poor = in_debt(provider, offering)

    race(repaying(poor))

    assert selectors.wallet(poor) == selectors.Wallet(balance_fen=4_200, held_fen=0, arrears_fen=0)


def test_without_the_lock_of_the_wallet_a_debt_is_repaid_twice(transactional_db, provider, offering, monkeypatch):
    def look(wallet: Any) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT posted_fen - held_fen FROM ledger_balance WHERE account_id = %s", [wallet.pk])
            return int(cursor.fetchone()[0])

    monkeypatch.setattr(arrears, "available_fen", Gathering(FEW, first=LONG).after(look))
    poor = in_debt(provider, offering)

    race(repaying(poor), threads=FEW)

    assert selectors.wallet(poor).arrears_fen < 0


# The same transfer


def test_a_transfer_is_confirmed_once(transactional_db):
    poor = scenes.funded_buyer(0)
    asked = top_ups.create(
        organization=poor, method="bank_transfer", amount_fen=500, actor=Actor(organization=poor), at=AT
    )
    top_ups.register_transfer(top_up=asked, by=scenes.person(), at=AT)
    other = scenes.person()

    outcomes = race(lambda _number: top_ups.confirm_transfer(top_up=asked, by=other, at=AT))

    assert outcomes == {"ok": 1, "illegal-move": THREADS - 1}
    assert selectors.wallet(poor).balance_fen == 500
