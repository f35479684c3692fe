"""Play random stories of orders, quotes and reservations: whatever ends one, all that it held is free again."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.services.audit import Actor
from billing import selectors
from billing.models import Charge, Funding
from billing.services import charges, checkout, early_ends, extending, fundings, held_quotes
from billing.services.held_quotes import Chosen
from core.errors import DomainError
from core.periods import hour_of
from market.models import CalendarHour, Downtime, Handover, Order, Quote, Reservation, TimeInForce
from market.models.reservation import OVER
from market.models.stops import PROVIDER_STOPS
from market.notice import CURRENT
from market.services import downtimes, lifecycle, matching, offerings, orders, quotes, quoting, reservations
from market.services.orders import Demand
from tests.billing import scenes
from tests.billing.scenes import AT, HOUR
from tests.market import scenes as markets

STORIES, STEPS = 20, 14
CARDS, WALLET_FEN = 4, 1_000_000
NOW = CURRENT.starts_at + 10 * HOUR  # hours that are given back cost a fee by now
one = st.integers(0, 3)


class Machine(RuleBasedStateMachine):
    """A provider with four cards, a buyer with money, and everything that either may do in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.story = transaction.atomic()
        self.story.__enter__()
        self.at = NOW
        self.buyer = scenes.funded_buyer(WALLET_FEN)
        self.provider = markets.provider()
        self.offering = markets.listed(self.provider, markets.accelerator(), count=CARDS)
        self.grant = scenes.grant(self.buyer, scenes.programme([self.provider]))
        self.seller, self.customer = Actor(organization=self.provider), Actor(organization=self.buyer)

    def teardown(self) -> None:
        try:
            self.everything_comes_back()
        finally:
            transaction.set_rollback(True)
            self.story.__exit__(None, None, None)

    def everything_comes_back(self) -> None:
        """Let all time pass and look for what is still held."""
        end = self.at + timedelta(days=30)
        orders.expire_overdue(at=end)
        quotes.expire_overdue(at=end)
        reservations.advance(at=end)
        for reservation_id in charges.waiting(limit=100):
            charges.rate_reservation(reservation_id=reservation_id, at=end)
        for funding in fundings.due(at=end):
            fundings.close(funding=funding, at=end)
        wallet = selectors.wallet(self.buyer)
        charged = selectors.spent(Charge.objects.all())
        assert not Reservation.objects.live().exists()
        assert not Funding.objects.open().exists()
        assert not Quote.objects.open().exists()
        assert not Order.objects.open().exists()
        assert not CalendarHour.objects.filter(hour__gt=end).exclude(reserved=0).exists()
        assert (wallet.held_fen, wallet.balance_fen) == (0, WALLET_FEN - charged.wallet_fen)
        assert charged.amount_fen >= 0
        assert scenes.broken() == []

    def picked(self, number: int) -> Any:
        rows = list(Reservation.objects.select_related("order").order_by("pk"))
        return rows[number % len(rows)] if rows else None

    def attempt(self, act: Any, number: int, **terms: Any) -> None:
        """Do something to a reservation, or be refused in words."""
        reservation = self.picked(number)
        if reservation is None:
            return
        with suppress(DomainError), transaction.atomic():
            act(reservation=reservation, at=self.at, **terms)

    @initialize(reported=st.booleans())
    def choose(self, reported: bool) -> None:
        handover = Handover.REPORTED if reported else Handover.CLOCK
        offerings.set_handover(offering=self.offering, handover=handover, actor=self.seller, at=AT)

    def wanted(self, count: int, hours: int, **terms: Any) -> Demand:
        start = hour_of(self.at) + HOUR
        return scenes.demand(self.offering, count=count, hours=hours, start_min=start, start_max=start, **terms)

    @rule(count=st.integers(1, 3), hours=st.integers(1, 4), stands=st.sampled_from(TimeInForce.values))
    @precondition(lambda _machine: Order.objects.count() < 4)
    def order(self, count: int, hours: int, stands: str) -> None:
        good_till = hour_of(self.at) + HOUR if stands == TimeInForce.UNTIL else None
        demand = self.wanted(count, hours, time_in_force=stands, good_till=good_till)
        checkout.place(buyer=self.buyer, demand=demand, grant=None, actor=self.customer, at=self.at)
        matching.run(at=self.at)

    @rule(count=st.integers(1, 3), hours=st.integers(1, 4))
    @precondition(lambda _machine: Quote.objects.count() < 4)
    def ask(self, count: int, hours: int) -> None:
        with suppress(DomainError), transaction.atomic():
            demand = self.wanted(count, hours)
            quoting.give(buyer=self.buyer, demand=demand, actor=self.customer, at=self.at)

    @rule(number=one, back=st.booleans())
    def answer(self, number: int, back: bool) -> None:
        given = list(Quote.objects.order_by("pk"))
        if given:
            named = {"quote_id": given[number % len(given)].pk, "buyer": self.buyer, "actor": self.customer}
            with suppress(DomainError), transaction.atomic():
                quotes.withdraw(**named, at=self.at) if back else held_quotes.accept(
                    **named, chosen=Chosen(), at=self.at
                )

    @rule(number=one)
    def claim(self, number: int) -> None:
        self.attempt(lifecycle.claim, number, actor=self.seller)

    @rule(number=one)
    def hand_over(self, number: int) -> None:
        self.attempt(lifecycle.report_access, number, actor=self.seller, details="x")

    @rule(number=one)
    def dispute(self, number: int) -> None:
        self.attempt(downtimes.dispute_access, number, actor=self.customer, detail="dark")

    @rule()
    def accept(self) -> None:
        claimed = Downtime.objects.select_related("reservation").filter(status="claimed").first()
        if claimed:
            downtimes.accept(downtime=claimed, actor=self.seller, at=self.at)

    @rule(number=one, code=st.sampled_from(PROVIDER_STOPS))
    def stop(self, number: int, code: str) -> None:
        self.attempt(lifecycle.stop, number, actor=self.seller, code=code, detail="")

    @rule(number=one)
    def terminate(self, number: int) -> None:
        self.attempt(early_ends.terminate, number, actor=self.customer)

    @rule(number=one)
    def cancel(self, number: int) -> None:
        self.attempt(
            lambda reservation, at: checkout.cancel(order=reservation.order, actor=self.customer, at=at), number
        )

    @rule(number=one, hours=st.integers(1, 2), paid=st.booleans())
    def extend(self, number: int, hours: int, paid: bool) -> None:
        grant = self.grant if paid else None
        self.attempt(extending.extend, number, hours=hours, grant=grant, actor=self.customer)

    @rule(number=one, hours=st.integers(1, 3))
    def shorten(self, number: int, hours: int) -> None:
        self.attempt(early_ends.shorten, number, hours=hours, actor=self.customer)

    @rule(number=one)
    def give_cards_back(self, number: int) -> None:
        self.attempt(early_ends.return_cards, number, cards=1, actor=self.customer)

    @rule(number=one)
    def use(self, number: int) -> None:
        reservation = self.picked(number)
        if reservation and reservation.status not in ("held", "provisioning", "failed", "released"):
            scenes.meter(reservation, reservation.count * scenes.CARD_HOUR_MS)

    @rule(minutes=st.sampled_from([10, 30, 60]))
    def wait(self, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)
        orders.expire_overdue(at=self.at)
        quotes.expire_overdue(at=self.at)
        reservations.advance(at=self.at)

    @invariant()
    def exactly_what_is_promised_is_locked(self) -> None:
        locked = {row.hour: row.reserved for row in CalendarHour.objects.filter(hour__gt=self.at) if row.reserved}
        promised: dict[Any, int] = {}
        for row in [*Reservation.objects.live(), *Quote.objects.open()]:
            hour = row.starts_at
            while hour < row.ends_at:
                if hour > self.at:
                    promised[hour] = promised.get(hour, 0) + getattr(row, "cards", row.count)
                hour += HOUR
        assert locked == promised

    @invariant()
    def an_order_is_over_with_its_last_reservation(self) -> None:
        for row in Reservation.objects.select_related("order"):
            assert (row.order.status == "matched") == (row.status not in OVER)


def test_whatever_ends_a_reservation_everything_it_held_is_free_again(db):
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=STORIES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
