"""A small market reckoned twice: what two buyers were promised, owe and have set aside, beside what our books say."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from io import StringIO
from math import floor
from random import Random
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.db import transaction
from django.db.models import Sum

from accounts.models import Organization
from accounts.services.audit import SYSTEM, Actor
from billing import selectors
from billing.models import Charge, Funding
from billing.services import charges
from core.errors import DomainError
from market.models import CalendarHour, Downtime, Handover, Offering, Order, OrderKind, Quote, Reservation
from market.models.reservation import OVER
from market.services import floors, offerings
from tests.billing import reckoning, scenes
from tests.billing.lives import NOW
from tests.billing.reckoning import HOUR, Bill, Purse, half_up, share
from tests.market import scenes as markets

MINUTE = timedelta(minutes=1)
PRICES = (1_234_567, 2_000_001)
FLOORS = (300_000, 500_001, 700_000)
POOL = 6
LATE = {"not-provisioned", "no-capacity", "hardware-fault", "network-fault", "site-fault", "not-usable"}


@dataclass(eq=False)
class Voucher:
    """A grant, what its programme pays, and when it was frozen."""

    grant: Any
    ratio_bp: int
    fee_bp: int
    frozen: list[Any] = field(default_factory=list)
    frozen_by: Any = None


@dataclass(eq=False)
class Stay:
    """A part of an order at an offering: its bill, the times that were lost, and how it may be taken back."""

    key: UUID
    offering: UUID
    bill: Bill
    deal: "Deal"
    card_hours: int
    bid_micro: int | None = None
    reclaim_minutes: int = 0
    lost: list[tuple[datetime, datetime]] = field(default_factory=list)
    is_over: bool = False

    def drop(self, since: datetime) -> None:
        """Let hours go that nobody pays for."""
        self.bill.cards = {hour: cards for hour, cards in self.bill.cards.items() if hour < since}


@dataclass(eq=False)
class Deal:
    """An order as it was placed, and what was set aside for it."""

    order: Order
    buyer: Organization
    voucher: Voucher | None
    purse: Purse
    price: Any
    stays: list[Stay] = field(default_factory=list)


class World:
    """Two listings of one card, two buyers and their vouchers, reckoned from the documents alone."""

    def __init__(self, seed: int) -> None:
        self.chance, self.at = Random(seed), NOW
        self.said, self.done = "", Counter[str]()
        self.card = markets.accelerator()
        self.listings = [self.listing(price) for price in PRICES]
        self.fees_from = self.chance.choice([0, 0, 30])
        self.funded = {
            scenes.funded_buyer(fen): fen for fen in (10_000_000, self.chance.choice([3_000, 15_000, 10_000_000]))
        }
        self.vouchers = {who: [self.voucher(who)] for who in self.funded}
        self.deals: list[Deal] = []
        self.stays: dict[UUID, Stay] = {}
        self.claims: dict[int, tuple[Stay, tuple[datetime, datetime]]] = {}
        self.quoted: dict[UUID, tuple[UUID, dict[datetime, int]]] = {}

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Let an act be refused in words, without effect."""
        with suppress(DomainError), transaction.atomic():
            yield
            self.done[self.said] += 1

    def listing(self, price: int) -> Offering:
        made = markets.listed(markets.provider(), self.card, count=POOL, price_micro=price)
        floors.offer(offering=made, floor_micro=FLOORS[0], reclaim_minutes=self.minutes(), actor=SYSTEM, at=NOW)
        handover = self.chance.choice([Handover.CLOCK, Handover.CLOCK, Handover.REPORTED])
        offerings.set_handover(offering=made, handover=handover, actor=Actor(organization=made.provider), at=NOW)
        return made

    def minutes(self) -> int:
        return self.chance.choice([0, 30, 60, 90])

    def voucher(self, who: Organization) -> Voucher:
        ratio, fee = self.chance.choice([1_000, 3_333, 5_000, 9_999]), self.chance.choice([0, 777])
        changes = {"settlement.platform_fee_on_voucher_bp": fee} if fee else None
        rules = scenes.programme([one.provider for one in self.listings], ratio_bp=ratio, changes=changes)
        return Voucher(scenes.grant(who, rules, self.chance.choice([500, 3_333, 50_000]), at=NOW), ratio, fee)

    def picked(self, rows: list[Any]) -> Any:
        return self.chance.choice(rows) if rows else None

    def any_voucher(self, who: Organization) -> Voucher | None:
        return self.chance.choice([None, *self.vouchers[who]])

    # What is set aside

    def left(self, voucher: Voucher) -> int:
        """Return what a voucher can still promise: what holds keep is taken, what came back is there again."""
        purses = {purse for deal in self.deals for purse in self.purses(deal) if deal.voucher or purse.voucher}
        mine = [purse for purse in purses if purse.frozen is voucher.frozen]
        paid = sum(stay.bill.paid[purse] for stay in self.stays.values() for purse in mine)
        return int(voucher.grant.face_fen) - sum(purse.voucher_left for purse in mine) - paid - self.returned(mine)

    def purses(self, deal: Deal) -> list[Purse]:
        return [deal.purse, *(purse for stay in deal.stays for purse in stay.bill.purses[1:])]

    def returned(self, purses: list[Purse]) -> int:
        """Return what service credits gave back to the vouchers of some purses, as a figure below nothing."""
        rows = Charge.objects.credits().values_list("reservation", "supplement__number").annotate(Sum("voucher_fen"))
        found = [(self.stays[key].bill.purses[number or 0], fen) for key, number, fen in rows]
        return sum(fen for purse, fen in found if purse in purses)

    def fill(self, begins: datetime | None, estimate: int, odd: int, told: Any, voucher: Voucher | None) -> Purse:
        """Return what is set aside, once what was told of it is what the documents say."""
        most = min(floor(share(estimate, voucher.ratio_bp)), self.left(voucher)) if voucher else 0
        assert (told.estimate_fen, told.voucher_fen) == (estimate + odd, most)
        wallet = estimate + odd - most
        if voucher is None or not most:
            return Purse(begins, wallet)
        return Purse(begins, wallet, most, voucher.ratio_bp, voucher.fee_bp, voucher.grant.expires_at, voucher.frozen)

    def dealt(self, order: Order, buyer: Organization, voucher: Voucher | None, price: Any) -> None:
        """Take an order over as it was placed."""
        told = Funding.objects.get(order=order)
        exact = order.count * order.hours * order.limit_micro
        estimate = floor(share(exact, 1) + share(order.parts_max, 5_000))
        odd = (order.parts_max - 1) if voucher else 0
        purse = self.fill(None, estimate, odd, told, voucher)
        self.deals.append(Deal(order, buyer, voucher, purse, price))
        self.adopt()

    # What is promised

    def next_hour(self) -> datetime:
        return self.at if not self.at.minute else self.at.replace(minute=0) + HOUR

    def row(self, stay: Stay) -> Reservation:
        return Reservation.objects.select_related("order__buyer", "provider", "offering").get(pk=stay.key)

    def adopt(self) -> None:
        """Take over what was matched, if it may have been."""
        for row in Reservation.objects.exclude(pk__in=self.stays).select_related("order").order_by("pk"):
            (deal,) = [one for one in self.deals if one.order == row.order]
            order, hours = row.order, (row.ends_at - row.starts_at) // HOUR
            price = deal.price(row.offering_id)
            assert row.price_micro == price <= order.limit_micro
            assert max(order.start_min, self.next_hour()) <= row.starts_at
            wanted = order.count * order.hours - sum(one.card_hours for one in deal.stays)
            assert row.count * hours <= wanted
            if order.is_split:
                assert (row.count >= order.part_cards, hours >= order.part_hours) == (True, True)
            else:
                assert (row.count, hours, row.starts_at <= order.start_max) == (order.count, order.hours, True)
            bill = Bill(purses=[deal.purse])
            bill.add([row.starts_at + n * HOUR for n in range(hours)], lambda _hour, p=price: p, row.count)
            self.stays[row.pk] = stay = Stay(row.pk, row.offering_id, bill, deal, row.count * hours)
            deal.stays.append(stay)
            assert len(deal.stays) <= order.parts_max
            if order.kind == OrderKind.INTERRUPTIBLE:
                stay.bid_micro, stay.reclaim_minutes = order.limit_micro, row.reclaim_minutes
        Reservation.objects.filter(pk__in=self.stays).update(notice_hours=self.fees_from)

    def earliest(self, stay: Stay) -> datetime:
        until = self.at + stay.reclaim_minutes * MINUTE
        return until if not until.minute else until.replace(minute=0) + HOUR

    def promised(self, offering: UUID) -> dict[datetime, int]:
        """Return how many cards of an offering are taken in each hour to come."""
        taken: dict[datetime, int] = {}
        spans = [stay.bill.cards for stay in self.stays.values() if stay.offering == offering and not stay.is_over]
        spans += [cards for of, cards in self.quoted.values() if of == offering]
        for cards in spans:
            for hour, count in cards.items():
                if hour >= self.next_hour():
                    taken[hour] = taken.get(hour, 0) + count
        return taken

    def settle_reclaims(self, rows: dict[UUID, Reservation]) -> None:
        """Take over who gave way, if somebody had to, in time, and nobody with a lower bid could have instead."""
        given = {stay: end for stay in self.held() if (end := left_until(rows[stay.key])) < stay.bill.ends_at}
        for stay, end in given.items():
            assert end >= min(max(self.earliest(stay), min(stay.bill.cards)), stay.bill.ends_at)
            floor_micro = rows[stay.key].offering.floor_micro
            if floor_micro is not None and stay.bid_micro >= floor_micro:
                assert self.promised(stay.offering)[end] > POOL
                rivals = [one for one in self.held() if one.offering == stay.offering and one not in given]
                could = [one for one in rivals if end in one.bill.cards and self.earliest(one) <= end]
                assert all(rank(stay) < rank(one) for one in could)
        for stay, end in given.items():
            stay.drop(end)

    def held(self) -> list[Stay]:
        """Return the interruptible parts that hold cards still."""
        live = [stay for stay in self.stays.values() if stay.bid_micro is not None and not stay.is_over]
        return [stay for stay in live if stay.bill.cards]

    def read(self) -> dict[UUID, Reservation]:
        return Reservation.objects.select_related("offering").in_bulk()

    def sync(self) -> None:
        """Take over what was matched, gave way, was decided, or is over by now."""
        self.adopt()
        rows = self.read()
        self.settle_reclaims(rows)
        self.hear()
        for stay in self.stays.values():
            if rows[stay.key].status in OVER and not stay.is_over:
                self.end_stay(stay, rows[stay.key])
        closed = set(Funding.objects.filter(status="closed").values_list("order", flat=True))
        for purse in [purse for deal in self.deals if deal.order.pk in closed for purse in self.purses(deal)]:
            purse.close()
        for key in set(self.quoted).difference(Quote.objects.open().values_list("pk", flat=True)):
            del self.quoted[key]

    def end_stay(self, stay: Stay, row: Reservation) -> None:
        stay.is_over = True
        if row.stop_code in LATE:
            stay.lost.append((row.starts_at if row.status == "failed" else row.stopped_at, row.ends_at))
        stay.drop(self.next_hour())

    def hear(self) -> None:
        """Take over what was decided about claims."""
        for key, status in Downtime.objects.filter(pk__in=self.claims).values_list("pk", "status"):
            if status in ("accepted", "dismissed"):
                stay, span = self.claims.pop(key)
                stay.lost += [span] if status == "accepted" else []

    def given_back(self, stay: Stay, hours: dict[datetime, int], told_fen: int) -> None:
        """Take hours off that were given back, for the fee that the documents say."""
        waits = self.row(stay).status in ("held", "provisioning") and min(stay.bill.cards, default=self.at) <= self.at
        free = stay.bid_micro is not None or waits
        fee = 0 if free else stay.bill.fee_for(hours, at=self.at, listing_hours=self.fees_from)
        assert told_fen == fee
        self.take_off(stay, hours, fee)

    def take_off(self, stay: Stay, hours: dict[datetime, int], fee: int) -> None:
        others = [self.row(one).status != "released" for one in stay.deal.stays if one is not stay]
        waits = Order.objects.get(pk=stay.deal.order.pk).status == "open"
        if hours:
            stay.bill.give_back(hours, fee=fee, shared=waits or any(others))

    # What must be true

    def rate(self) -> None:
        for key in charges.waiting(limit=99):
            charges.rate_reservation(reservation_id=key, at=self.at)
            self.stays[key].bill.rate()

    def check(self) -> None:
        for listing in self.listings:
            locked = CalendarHour.objects.filter(offering=listing, hour__gte=self.next_hour(), reserved__gt=0)
            promised = self.promised(listing.pk)
            assert dict(locked.values_list("hour", "reserved")) == promised
            assert all(cards <= POOL for cards in promised.values())
        paid, rows, kinds = dict.fromkeys(self.funded, 0), self.read(), charged()
        waiting = set(charges.waiting(limit=99))
        for stay in self.stays.values():
            mine = {kind: kinds.get((stay.key, kind), (0, 0, 0, 0)) for kind in ("usage", "fee", "credit")}
            self.check_stay(stay, rows[stay.key], mine, rated=stay.key not in waiting)
            paid[stay.deal.buyer] += sum(amount - voucher for amount, voucher, _net, _vat in mine.values())
        for who, fen in self.funded.items():
            wallet = selectors.wallet(who)
            assert wallet.balance_fen - wallet.arrears_fen == fen - paid[who]
            if not wallet.arrears_fen and fen - paid[who] > 5_000_000:  # no hold was used up for want of free money
                mine = {purse for deal in self.deals if deal.buyer == who for purse in self.purses(deal)}
                assert wallet.held_fen == sum(purse.held for purse in mine)

    def check_stay(self, stay: Stay, row: Reservation, found: dict[str, Any], *, rated: bool) -> None:
        """Compare the charges of a part with its bill."""
        bill, (back, public, _net, _vat) = stay.bill, found["credit"]
        net = half_up(Fraction(bill.taken * 100, 106))
        assert found["usage"] == (bill.amount, bill.voucher, net, bill.taken - net)
        amount, voucher, net, vat = found["fee"]
        assert (amount, voucher, net + vat) == (bill.fees, 0, bill.fees_taken)
        if row.status == "released":
            assert (bill.amount, back) == (0, 0)
        elif row.status in OVER and rated:
            owed = reckoning.credit_fen(bill.amount, row.starts_at, row.stopped_at, stay.lost)
            assert abs(-back - owed) <= (len(bill.purses) if bill.ruffled else 0)
            if len(bill.purses) == 1 and not bill.ruffled and bill.amount:
                assert -public == -(-bill.voucher * owed // bill.amount)

    def check_end(self) -> None:
        """Look for what is still held once all is over."""
        assert not Funding.objects.open().exists()
        assert not Quote.objects.open().exists()
        assert not Order.objects.filter(status__in=["open", "matched"]).exists()
        for who, vouchers in self.vouchers.items():
            assert selectors.wallet(who).held_fen == 0
            for one in vouchers:
                assert scenes.fen(f"grant/{one.grant.pk}") == self.left(one)
        assert scenes.broken() == []
        call_command("check_books", stdout=StringIO())


def rank(stay: Stay) -> tuple[int, int]:
    """Return in which order interruptible parts give way."""
    return stay.bid_micro or 0, -stay.deal.order.sequence


def left_until(row: Reservation) -> datetime:
    """Return until when an interruptible part has its cards: one that was taken back before its start has none."""
    whole = row.stop_code == "reclaimed" and row.status == "released"
    return row.starts_at if whole else row.ends_at


def charged() -> dict[tuple[UUID, str], tuple[int, ...]]:
    """Return what each part was charged in all, by kind: the amount, the voucher's part, commission and VAT."""
    rows = Charge.objects.order_by().values_list("reservation", "kind")
    names = ("amount_fen", "voucher_fen", "commission_fen", "vat_fen")
    found = rows.annotate(*(Sum(name) for name in names))
    return {(key, kind): tuple(int(fen) for fen in fens) for key, kind, *fens in found}
