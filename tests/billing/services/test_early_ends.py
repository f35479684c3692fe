"""Hours that are given back: the fee that was told is the fee that is charged, and only those hours are free again."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry
from accounts.services.audit import Actor
from billing import accounts, selectors
from billing.models import Charge, NoticeFee
from billing.services import arrears, checkout, early_ends, extending, fundings, invoicing, settlement
from billing.services.refusals import WalletTooLow
from core.errors import NotFound
from core.periods import HOUR
from ledger.models import HoldStatus
from ledger.services import posting
from market.models import CalendarHour, Offering, Reservation, ReservationEvent, ReservationStatus, ReturnedCards
from market.notice import CURRENT
from market.services import lifecycle, matching, reservations, shortenings
from market.services.card_returns import BadCards, NotReturnable
from market.services.extensions import BadHours
from market.services.splits import Split
from tests.billing import scenes
from tests.billing.scenes import CARD_HOUR_MS
from tests.billing.test_races import belted
from tests.gathering import FEW, look_instead_of_locking, meanwhile
from tests.market import agents
from tests.market import scenes as markets
from tests.market.races import THREADS, race
from tests.market.services.test_metering import ingest
from vouchers.models import RedemptionStatus
from vouchers.services import freezing

NOW = CURRENT.starts_at + timedelta(days=9, hours=10)
START = NOW + 30 * HOUR
FULL = 2 * CARD_HOUR_MS


def customer(reservation: Reservation) -> Actor:
    return Actor(organization=reservation.order.buyer)


def reserved_hours() -> dict[Any, int]:
    return dict(CalendarHour.objects.filter(reserved__gt=0).values_list("hour", "reserved"))


@pytest.fixture
def matched(buyer, offering):
    """Two cards at ¥2.00 over ten hours that begin in thirty: ¥40.00."""
    return scenes.matched(buyer, offering, starts_at=START, at=NOW, hours=10)


@pytest.fixture
def running(matched):
    reservations.advance(at=START)
    return Reservation.objects.select_related("order__buyer", "provider").get()


@pytest.mark.parametrize(
    ("notice", "fee_fen"),
    [
        (30, 0),  # all ten hours have a day's notice
        (20, 160),  # four of them do not: 10 % of ¥16.00
        (1, 360 + 280),  # three at 30 % of ¥12.00, seven at 10 % of ¥28.00
    ],
)
def test_cancelling_costs_what_the_table_says_by_the_notice_of_each_hour(matched, buyer, notice, fee_fen):
    at = START - notice * HOUR
    (told,) = early_ends.cancelling(order=matched.order, at=at)
    assert (told.hours, told.value_fen, told.fee_fen, told.policy) == (10, 4_000, fee_fen, "2026-11")

    checkout.cancel(order=matched.order, actor=customer(matched), at=at)

    assert selectors.wallet(buyer) == selectors.Wallet(100_000 - fee_fen, 0, 0)
    assert reserved_hours() == {}
    assert AuditEntry.objects.get(verb="order.cancelled").after == {"fee_fen": fee_fen}
    assert scenes.broken() == []


def test_the_provider_earns_the_fee_less_commission_and_it_is_invoiced_and_settled(matched, buyer, provider):
    checkout.cancel(order=matched.order, actor=customer(matched), at=START - HOUR)

    fee = Charge.objects.get()
    assert (fee.kind, fee.amount_fen, fee.voucher_fen, fee.wallet_fen) == ("fee", 640, 0, 640)
    assert (fee.provider_fen, fee.commission_fen, fee.vat_fen) == (608, 30, 2)
    reason = NoticeFee.objects.get()
    assert (reason.starts_at, reason.ends_at, reason.value_fen) == (START, START + 10 * HOUR, 4_000)
    month, closed = START.date().replace(day=1), START + timedelta(days=40)
    invoice = invoicing.issue(issuer=provider, buyer=buyer, month_on=month, at=closed)
    settled = settlement.settle(provider=provider, month_on=month, at=closed)
    assert (invoice.amount_fen, invoice.voucher_fen, settled.net_fen) == (640, 0, 608)
    assert scenes.fen(f"payout-due/{provider.pk}") == 608


def test_a_voucher_pays_no_fee_and_is_given_back_whole(buyer, offering, grant):
    matched = scenes.matched(buyer, offering, starts_at=START, at=NOW, hours=10, voucher=grant)

    checkout.cancel(order=matched.order, actor=customer(matched), at=START - HOUR)

    assert scenes.funding(matched.order).redemption.status == RedemptionStatus.RELEASED
    assert selectors.wallet(buyer).balance_fen == 100_000 - 640
    assert scenes.broken() == []


def test_a_listing_with_a_longer_notice_owes_it_and_a_later_change_of_the_listing_owes_nothing_more(buyer, offering):
    Offering.objects.update(notice_hours=28)
    matched = scenes.matched(buyer, offering, starts_at=START, at=NOW, hours=10)
    Offering.objects.update(notice_hours=700)

    (told,) = early_ends.cancelling(order=matched.order, at=START - 24 * HOUR)

    assert told.fee_fen == 160  # the hours with 24 to 27 hours of notice


def test_an_order_from_before_the_first_table_is_given_back_for_nothing(buyer, offering):
    before = CURRENT.starts_at - HOUR
    matched = scenes.matched(buyer, offering, starts_at=before + 2 * HOUR, at=before, hours=10)

    (told,) = early_ends.cancelling(order=matched.order, at=before + HOUR)

    assert (told.fee_fen, told.policy) == (0, "")


def test_what_cannot_be_paid_is_not_cancelled(offering):
    poor = scenes.funded_buyer(4_000)
    programme = scenes.programme([offering.provider], ratio_bp=9_900)
    matched = scenes.matched(poor, offering, starts_at=START, at=NOW, hours=10, voucher=scenes.grant(poor, programme))
    scenes.place(poor, offering, at=NOW, count=1, hours=19, start_min=START, start_max=START)
    before = scenes.rows()

    with pytest.raises(WalletTooLow) as refusal:
        checkout.cancel(order=matched.order, actor=customer(matched), at=START - HOUR)

    assert refusal.value.extra == {"available_fen": 200, "needed_fen": 640}
    assert scenes.rows() == before


def test_ending_early_charges_what_was_used_and_a_fee_and_sets_the_rest_free_at_once(running, buyer):
    scenes.meter(running, FULL)
    scenes.rate(running)
    at = START + 90 * timedelta(minutes=1)
    told = early_ends.ending(reservation=running, at=at)

    early_ends.terminate(reservation=running, actor=customer(running), at=at)

    # Eight hours come back: four begin within four hours, four later.
    assert (told.hours, told.fee_fen) == (8, 480 + 160)
    assert selectors.wallet(buyer) == selectors.Wallet(100_000 - 400 - 640, 400, 0)
    assert reserved_hours() == {START: 2, START + HOUR: 2}
    scenes.meter(running, FULL, FULL // 2)
    scenes.rate(running)
    later = at + timedelta(hours=73)
    fundings.close(funding=fundings.due(at=later).get(), at=later)
    assert selectors.wallet(buyer) == selectors.Wallet(100_000 - 600 - 640, 0, 0)
    assert scenes.broken() == []


def test_who_still_waits_for_the_cards_after_the_start_owes_nothing(matched, buyer):
    lifecycle.claim(reservation=matched, actor=Actor(organization=matched.provider), at=NOW)
    at = START + timedelta(minutes=10)

    ended = early_ends.terminate(reservation=matched, actor=customer(matched), at=at)

    assert (ended.status, Charge.objects.count()) == (ReservationStatus.RELEASED, 0)


@pytest.mark.parametrize("reported", [False, True])
def test_who_ends_before_the_sweep_has_seen_the_start_owes_what_is_owed_after_it(matched, reported):
    if reported:
        lifecycle.report_access(reservation=matched, details="ssh", actor=Actor(organization=matched.provider), at=NOW)
    at = START + timedelta(seconds=5)
    told = early_ends.ending(reservation=Reservation.objects.get(), at=at)

    ended = early_ends.terminate(reservation=matched, actor=customer(matched), at=at)

    # nine hours, of which four at 30 % and five at 10 %, as of one that has begun
    assert (told.hours, told.fee_fen) == (9, 480 + 200)
    assert (ended.status, ended.access_at) == (ReservationStatus.ENDED, START)
    assert Charge.objects.get().amount_fen == told.fee_fen
    assert list(matched.events.order_by("pk").values_list("kind", flat=True))[-2:] == ["started", "stopped"]


def test_shortening_frees_the_last_hours_and_what_they_had_set_aside(running, buyer, offering):
    at = START + HOUR
    told = early_ends.shortening(reservation=running, hours=4, at=at)
    codes = accounts.wallet(buyer), accounts.arrears(buyer)
    wallet, owed = (posting.open_accounts(floors=accounts.floors(codes))[code] for code in codes)
    arrears.lend(wallet=wallet, arrears=owed, amount_fen=300, key="before", at=at)

    early_ends.shorten(reservation=running, hours=4, actor=customer(running), at=at)

    assert (told.hours, told.value_fen, told.fee_fen) == (4, 1_600, 160)
    assert Reservation.objects.get().ends_at == START + 6 * HOUR
    assert reserved_hours() == {START + number * HOUR: 2 for number in range(6)}
    # What was lent before is paid back from what is free.
    assert selectors.wallet(buyer) == selectors.Wallet(100_000 - 160, 2_400, 0)
    assert ReservationEvent.objects.filter(kind="shortened").get().detail == "-4 h"
    scenes.meter(running, *[FULL] * 6)
    scenes.rate(running)
    later = scenes.serve(Reservation.objects.get())
    fundings.close(funding=fundings.due(at=later).get(), at=later)
    assert selectors.wallet(buyer) == selectors.Wallet(100_000 - 160 - 2_400, 0, 0)
    assert scenes.broken() == []


def test_with_a_voucher_the_wallet_keeps_what_the_voucher_may_not_pay(buyer, offering, grant):
    matched = scenes.matched(buyer, offering, starts_at=START, at=NOW, hours=10, voucher=grant)

    early_ends.shorten(reservation=matched, hours=4, actor=customer(matched), at=NOW)

    funding = scenes.funding(matched.order)
    assert (funding.wallet_hold.amount_fen, funding.redemption.amount_fen) == (1_200, 2_000)
    reservations.advance(at=START)
    scenes.meter(matched, *[FULL] * 6)
    scenes.rate(matched)
    assert selectors.wallet(buyer).balance_fen == 100_000 - 1_200
    assert scenes.funding(matched.order).wallet_hold.status == HoldStatus.PENDING
    assert scenes.broken() == []


def test_beside_a_frozen_voucher_the_wallet_keeps_all_that_the_hours_left_can_cost(buyer, offering, grant):
    matched, at = scenes.matched(buyer, offering, starts_at=START, at=NOW, hours=10, voucher=grant), START + 2 * HOUR
    reservations.advance(at=START)
    freezing.freeze(grant=grant, reason="suspicion", actor=Actor(user=scenes.person()), at=at)

    early_ends.shorten(reservation=matched, hours=4, actor=customer(matched), at=at)
    assert selectors.wallet(buyer).held_fen == 2_000  # of ¥24.00
    early_ends.shorten(reservation=matched, hours=2, actor=customer(matched), at=at)

    assert selectors.wallet(buyer).held_fen == 1_600
    assert scenes.broken() == []


def test_the_hold_of_an_order_in_parts_stays_whole_when_one_of_them_is_shorter(buyer, offering, card):
    markets.listed(markets.provider(), card, count=2, price_micro=2_000_000)
    split = Split(parts=2, cards=2, hours=3, all_or_none=True)
    order = scenes.place(buyer, offering, at=NOW, count=10, start_min=START, start_max=START, split=split)
    matching.run(at=NOW)
    smaller = Reservation.objects.select_related("order__buyer", "provider").order_by("count").first()

    early_ends.shorten(reservation=smaller, hours=1, actor=customer(smaller), at=NOW)

    assert (smaller.order, scenes.funding(order).wallet_hold.remaining_fen) == (order, 6_001)


@pytest.mark.parametrize("act", ["shorten", "return_cards", "terminate"])
def test_the_hold_of_an_order_that_waits_for_more_parts_stays_whole_too(buyer, offering, card, act):
    split = Split(parts=2, cards=2, hours=3, all_or_none=False)
    order = scenes.place(buyer, offering, at=NOW, count=10, start_min=START, start_max=START + HOUR, split=split)
    matching.run(at=NOW)
    reservations.advance(at=START)
    found, terms = Reservation.objects.get(), {"shorten": {"hours": 1}, "return_cards": {"cards": 6}}
    at = START + HOUR if act == "terminate" else START

    getattr(early_ends, act)(reservation=found, actor=Actor(organization=buyer), at=at, **terms.get(act, {}))

    assert scenes.funding(order).wallet_hold.remaining_fen == 6_001
    markets.listed(markets.provider(), card, count=2, price_micro=2_000_000)
    matching.run(at=START + HOUR)
    assert Reservation.objects.filter(order=order).count() == 2


@pytest.mark.parametrize(
    ("hours", "at", "error"),
    [
        (0, NOW, BadHours),
        (10, NOW, shortenings.NotShortenable),
        (9, START + HOUR, shortenings.NotShortenable),
        (1, START + 10 * HOUR, shortenings.NotShortenable),
    ],
)
def test_neither_nothing_nor_everything_nor_the_past_is_given_back(running, hours, at, error):
    before = scenes.rows()

    with pytest.raises(error):
        early_ends.shorten(reservation=running, hours=hours, actor=customer(running), at=at)

    assert scenes.rows() == before


def test_strangers_and_the_provider_neither_end_nor_shorten(running):
    before = scenes.rows()
    for who in (markets.buyer(), running.provider):
        before |= {"accounts_organization": scenes.rows()["accounts_organization"]}
        for act in (early_ends.terminate, early_ends.shorten):
            terms = {"hours": 1} if act is early_ends.shorten else {}
            with pytest.raises(NotFound):
                act(reservation=running, actor=Actor(organization=who), at=START, **terms)

    assert {name: rows for name, rows in scenes.rows().items() if "onboarding" not in name} == {
        name: rows for name, rows in before.items() if "onboarding" not in name
    }


def acted(act: str, reservation: Reservation, hours: int, at: Any) -> int:
    """Ask, do, and return the fee that was told."""
    who = customer(reservation)
    if act == "cancel":
        told = early_ends.cancelling(order=reservation.order, at=at)[0].fee_fen
        checkout.cancel(order=reservation.order, actor=who, at=at)
    elif act == "terminate":
        told = early_ends.ending(reservation=reservation, at=at).fee_fen
        early_ends.terminate(reservation=reservation, actor=who, at=at)
    else:
        told = early_ends.shortening(reservation=reservation, hours=hours, at=at).fee_fen
        early_ends.shorten(reservation=reservation, hours=hours, actor=who, at=at)
    return told


@given(
    act=st.sampled_from(["cancel", "terminate", "shorten"]),
    hours=st.integers(2, 50),
    minutes=st.integers(1, 40 * 60),
    notice=st.sampled_from([0, 30]),
    count=st.integers(1, 3),
    price=st.integers(100_000, 9_999_999),
    paid=st.booleans(),
)
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_the_fee_that_is_told_is_the_fee_that_is_charged(db, act, hours, minutes, notice, count, price, paid):
    with transaction.atomic():
        buyer, provider = scenes.funded_buyer(10_000_000), markets.provider()
        offering = markets.listed(provider, markets.accelerator(), price_micro=price)
        Offering.objects.update(notice_hours=notice)
        grant = scenes.grant(buyer, scenes.programme([provider]), 1_000_000) if paid else None
        terms = {"hours": hours, "count": count, "voucher": grant}
        reservation = scenes.matched(buyer, offering, starts_at=START, at=NOW, **terms)
        at = START - timedelta(minutes=minutes)
        if act == "terminate":
            reservations.advance(at=START)
            reservation.refresh_from_db()
            at = START + timedelta(minutes=minutes % ((hours - 1) * 60))

        told = acted(act, reservation, hours // 2, at)

        charged = sum(Charge.objects.values_list("amount_fen", flat=True))
        assert told == charged == 10_000_000 - selectors.wallet(buyer).balance_fen
        assert scenes.broken() == []
        transaction.set_rollback(True)


def test_a_reservation_that_many_shorten_at_once_gives_back_each_hour_once(transactional_db, buyer, offering):
    matched = scenes.matched(buyer, offering, starts_at=START, at=NOW, hours=10)
    act = lambda _number: early_ends.shorten(  # noqa: E731 - what every thread does
        reservation=matched, hours=3, actor=customer(matched), at=NOW
    )

    outcomes = race(act)

    assert outcomes == {"ok": 3, "not-shortenable": THREADS - 3}
    assert reserved_hours() == {START: 2}
    assert selectors.wallet(buyer).held_fen == 400
    assert scenes.broken() == []


def test_without_its_locks_fewer_hours_are_given_back_than_were_said(transactional_db, buyer, offering, monkeypatch):
    matched = scenes.matched(buyer, offering, starts_at=START, at=NOW, hours=30)
    act = belted(lambda _number: early_ends.shorten(reservation=matched, hours=3, actor=customer(matched), at=NOW))
    look_instead_of_locking(monkeypatch, parties=FEW)

    outcomes = race(act, threads=FEW)

    said = ReservationEvent.objects.filter(kind="shortened").count()
    assert outcomes["ok"] == said
    assert Reservation.objects.get().ends_at != START + (30 - 3 * said) * HOUR or outcomes["constraint"]


def test_hours_cannot_be_added_once_it_was_told_what_a_cancellation_costs(
    transactional_db, buyer, offering, monkeypatch
):
    matched = scenes.matched(buyer, offering, starts_at=START, at=NOW, hours=10)
    at, tell, seen = START - HOUR, early_ends.cancelling, []
    terms = {"reservation": matched, "hours": 5, "grant": None, "actor": customer(matched), "at": at}

    def told_before_somebody_adds(**asked):
        found = tell(**asked)
        seen.append(meanwhile(lambda: extending.extend(**terms)))
        return found

    monkeypatch.setattr(early_ends, "cancelling", told_before_somebody_adds)
    checkout.cancel(order=matched.order, actor=customer(matched), at=at)

    assert seen == ["waits"]
    assert Reservation.objects.get().ends_at == START + 10 * HOUR
    assert Charge.objects.get().amount_fen == 640
    assert scenes.broken() == []


# Fewer cards


def fewer(reservation, cards, at):
    return early_ends.return_cards(reservation=reservation, cards=cards, actor=customer(reservation), at=at)


def test_cards_that_come_back_are_free_from_the_next_hour_on_for_the_fee_that_was_told(running, buyer, provider):
    at = START + timedelta(minutes=20)
    told = early_ends.returning(reservation=running, cards=1, at=at)
    # Nine hours of one card are worth ¥18.00: four of them begin within four hours, and cost 30 % of ¥8.00.
    assert (told.starts_at, told.cards, told.value_fen, told.fee_fen) == (START + HOUR, 1, 1_800, 240 + 100)

    fewer(running, 1, at)

    reservation = Reservation.objects.select_related("order__buyer", "provider").get()
    assert (reservation.count, reservation.cards) == (2, 1)
    assert reserved_hours() == {START: 2} | {START + number * HOUR: 1 for number in range(1, 10)}
    # The hour that has begun costs up to ¥4.00, each of the others ¥2.00.
    assert selectors.wallet(buyer) == selectors.Wallet(100_000 - 340, 400 + 1_800, 0)
    scenes.meter(reservation, FULL, *[FULL // 2] * 9)
    scenes.rate(reservation, at=START + 10 * HOUR)
    assert selectors.wallet(buyer).balance_fen == 100_000 - 340 - 2_200
    reservations.advance(at=START + 10 * HOUR)
    assert reserved_hours().get(START + 9 * HOUR, 0) <= 1
    assert ReservationEvent.objects.get(kind="returned").detail == "-1"
    assert scenes.broken() == []


def test_what_follows_is_of_the_cards_that_are_left(running, buyer):
    fewer(running, 1, START)
    reservation = Reservation.objects.select_related("order__buyer", "provider").get()
    early_ends.shorten(reservation=reservation, hours=1, actor=customer(reservation), at=START)
    reservation = Reservation.objects.select_related("order__buyer", "provider").get()
    added = extending.extend(reservation=reservation, hours=2, grant=None, actor=customer(reservation), at=START)

    assert added.estimate_fen == 400
    assert reserved_hours() == {START + number * HOUR: 1 for number in range(11)}
    early_ends.terminate(reservation=Reservation.objects.get(), actor=customer(reservation), at=START + HOUR)
    assert set(reserved_hours()) == {START}


def test_usage_beyond_the_cards_that_are_left_is_refused_and_before_it_is_not(running):
    fewer(running, 1, START + timedelta(minutes=1))

    def told(hour, cards):
        starts_at = START + hour * HOUR
        event = agents.event(running, starts_at, starts_at + HOUR, accelerators=cards)
        batch = ingest(running, event, at=START + 3 * HOUR).batch
        return (batch.accepted, batch.rejected)

    assert [told(0, 2), told(1, 2), told(1, 1), told(1, 1)] == [(1, 0), (0, 1), (1, 0), (0, 1)]


def test_what_cannot_be_given_back_is_refused_in_words(running):
    for cards in (0, 2):
        with pytest.raises(BadCards):
            fewer(running, cards, START)
    with pytest.raises(NotReturnable):
        fewer(running, 1, running.ends_at)
    with pytest.raises(NotFound):
        early_ends.return_cards(reservation=running, cards=1, actor=Actor(organization=markets.buyer()), at=START)
    Offering.objects.update(step_count=2, min_count=2)
    with pytest.raises(BadCards):
        fewer(running, 1, START)
    with pytest.raises(IntegrityError, match="are held from"), transaction.atomic():
        ReturnedCards.objects.create(reservation=running, hour=running.ends_at, cards=1, at=START)
    with pytest.raises(IntegrityError, match="reservation_keeps_a_card"), transaction.atomic():
        ReturnedCards.objects.create(reservation=running, hour=running.starts_at, cards=2, at=START)


def test_cards_that_many_give_back_at_once_come_back_once(transactional_db, buyer, offering):
    matched = scenes.matched(buyer, offering, starts_at=START, at=NOW, hours=10, count=4)

    outcomes = race(lambda _number: fewer(matched, 1, NOW))

    assert outcomes == {"ok": 3, "bad-cards": THREADS - 3}
    assert set(reserved_hours().values()) == {1}
    assert scenes.broken() == []


def test_without_its_locks_cards_come_back_that_are_not_there(transactional_db, buyer, offering, monkeypatch):
    matched = scenes.matched(buyer, offering, starts_at=START, at=NOW, hours=10, count=4)
    look_instead_of_locking(monkeypatch, parties=FEW)

    outcomes = race(belted(lambda _number: fewer(matched, 1, NOW)), threads=FEW)

    assert outcomes["constraint"] or outcomes["ok"] > 3
