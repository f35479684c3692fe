"""Play a month day by day: orders over the API, matching and metering by the workers, usage from careless meters."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from accounts.models import Organization
from accounts.services import keys
from accounts.services.audit import SYSTEM
from billing.models import Funding
from billing.services import charges, invoicing, settlement
from config.demo import flows, payments
from config.demo.cast import Cast
from config.demo.client import Client
from config.demo.meters import Meter, meters, totals
from config.demo.scenario import PlannedOrder, Scenario
from config.demo.stage import Stage
from config.demo.usage import Run
from core.periods import HOUR
from market.models import MeteredHour, Order, OrderStatus, Reservation, ReservationStatus
from vouchers.models import Grant

EVENING = HOUR
CREATED = 201
MARKET_REFUSALS = {"limit-below-every-price", "bad-window", "wallet-too-low"}
LATE_USAGE = timedelta(days=2, hours=1)
CLOSING = timedelta(hours=73)


@dataclass
class Rehearsal:
    """A scenario on a stage. ``tell`` shows progress; ``seconds`` and ``said`` end up in the report."""

    scenario: Scenario
    cast: Cast
    stage: Stage
    tell: Callable[[str], None]
    seconds: dict[str, int] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)
    _buyers: dict[int, Client] = field(default_factory=dict)
    _grants: dict[UUID, UUID] = field(default_factory=dict)
    _meters: dict[str, Meter] = field(default_factory=dict)
    _running: set[UUID] = field(default_factory=set)

    def play(self) -> None:
        """Play the whole month and its closing."""
        self._prepare()
        with self._timed("trade and use"):
            for day in range(self.scenario.month.days):
                self._play_day(day)
        with self._timed("meter and charge"):
            self._finish_usage()
        with self._timed("invoice and settle"):
            self._close_month()
        with self._timed("claim and pay"):
            self._settle_public_money()
        self.said.update(totals(self._meters))

    def _prepare(self) -> None:
        at = self.scenario.month.starts_at - EVENING
        signing = {name: key.pk for name, key in self.cast.signing_keys.items()}
        self._meters = meters(
            seed=self.scenario.seed,
            providers=signing,
            connect=lambda name: self._client(self.cast.providers[name], ["usage", "read"], at),
        )
        for number, buyer in enumerate(self.cast.buyers):
            self._buyers[number] = self._client(buyer, ["orders", "read", "payments"], at)
        self._grants = dict(Grant.objects.usable(at).at_checkout().values_list("owner_id", "pk"))
        with self._timed("top up"):
            self.said["Stripe top-ups"] = payments.top_up_by_phone(stage=self.stage, buyers=list(self._buyers.values()))

    def _client(self, organization: Organization, scopes: list[str], at: datetime) -> Client:
        _key, token = keys.issue(organization=organization, name="rehearsal", scopes=scopes, actor=SYSTEM, at=at)
        return self.stage.client(token)

    def _play_day(self, day: int) -> None:
        """Play one day: in the evening before it, orders are placed and matched; what ran until then is reported."""
        at = self.scenario.month.hour(day * 24) - EVENING
        self.stage.set_clock(at)
        self._report_usage(at)
        today = [planned for planned in self.scenario.orders if planned.day == day]
        placed = {planned.key: self._place(planned) for planned in today}
        self.stage.wait(f"matching day {day + 1}", lambda: self._is_matched(at), nudge="market.hold_auction")
        self._cancel([planned for planned in today if planned.cancelled], placed)
        self._start_runs(at)
        self.tell(f"{at:%m-%d}  +{len(today)}")

    def _place(self, planned: PlannedOrder) -> UUID | None:
        """Place an order over the API, with its voucher if that pays anything, else without."""
        buyer = self.cast.buyers[planned.buyer]
        grant = self._grants.get(buyer.pk) if planned.with_voucher else None
        reply = self._buyers[planned.buyer].post("orders", key=f"{planned.key}/1", body=self._body(planned, grant))
        if grant and reply.status != CREATED and reply.body["code"] not in MARKET_REFUSALS:
            self.said[f"voucher refused: {reply.body['code']}"] += 1
            reply = self._buyers[planned.buyer].post("orders", key=f"{planned.key}/2", body=self._body(planned, None))
        self.said["orders placed" if reply.status == CREATED else f"order refused: {reply.body['code']}"] += 1
        return UUID(reply.body["id"]) if reply.status == CREATED else None

    def _body(self, planned: PlannedOrder, grant: UUID | None) -> dict[str, object]:
        month = self.scenario.month
        return {
            "name": planned.key,
            "kind": planned.kind,
            "category": planned.category,
            "accelerators": list(planned.accelerators),
            "count": planned.count,
            "hours": planned.hours,
            "start_min": month.hour(planned.first_hour).isoformat(),
            "start_max": month.hour(planned.last_hour).isoformat(),
            "limit_micro": planned.limit_micro,
            "grant": str(grant) if grant else None,
        }

    def _cancel(self, planned: list[PlannedOrder], placed: dict[str, UUID | None]) -> None:
        for one in planned:
            order_id = placed[one.key]
            if order_id:
                reply = self._buyers[one.buyer].post(f"orders/{order_id}/cancel", key=f"{one.key}/cancel", body={})
                self.said["orders cancelled" if reply.status < 300 else "cancellations refused"] += 1

    @staticmethod
    def _is_matched(at: datetime) -> bool:
        """Tell whether a batch has looked at every order that waits."""
        unseen = Order.objects.filter(status=OrderStatus.OPEN, unmatched_reason="", start_max__gte=at)
        return not unseen.exists()

    def _start_runs(self, at: datetime) -> None:
        """Hand every new reservation to its provider's meter, with what will really run on it."""
        planned = {order.key: order for order in self.scenario.orders}
        fresh = Reservation.objects.exclude(pk__in=self._running).exclude(status=ReservationStatus.RELEASED)
        names = fresh.select_related("order", "provider", "offering__accelerator")
        for reservation in names.filter(order__placed_at__lte=at, order__name__in=planned):
            self._running.add(reservation.pk)
            self._meters[reservation.provider.name].add(_run(reservation, planned[reservation.order.name]))

    def _report_usage(self, at: datetime) -> None:
        for meter in self._meters.values():
            meter.send(at=at)

    def _finish_usage(self) -> None:
        """Let the month end, the late events come in, and the workers charge everything."""
        for at in (self.scenario.month.ends_at + HOUR, self.scenario.month.ends_at + LATE_USAGE):
            self.stage.set_clock(at)
            self._report_usage(at)
        self.tell("usage is complete")
        self.stage.wait("metering", lambda: not MeteredHour.objects.dirty().exists())
        self.stage.wait("charging", lambda: not charges.uncharged().exists())

    def _close_month(self) -> None:
        at = self.scenario.month.ends_at + CLOSING
        self.stage.set_clock(at)
        self.stage.wait("closing fundings", lambda: not _unclosed(at))
        self.stage.wait("invoices", lambda: not invoicing.due(at=at), nudge="billing.issue_invoices")
        self.stage.wait("settlements", lambda: not settlement.due(at=at), nudge="billing.settle_providers")

    def _settle_public_money(self) -> None:
        at = self.scenario.month.ends_at + flows.CLAIMS_AFTER
        self.stage.set_clock(at)
        claims = flows.play(self.cast, since=self.scenario.month.starts_at, at=at)
        self.said["claims of public money"] = len(claims)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.monotonic()
        self.tell(stage)
        yield
        self.seconds[stage] = round(time.monotonic() - began)


def _run(reservation: Reservation, planned: PlannedOrder) -> Run:
    starts_at = reservation.starts_at + timedelta(milliseconds=planned.idle_ms)
    return Run(
        key=planned.key,
        reservation_id=reservation.pk,
        accelerator=reservation.offering.accelerator.code,
        count=reservation.count,
        starts_at=starts_at,
        ends_at=min(starts_at + timedelta(milliseconds=planned.run_ms), reservation.ends_at),
        failed=planned.failed,
    )


def _unclosed(at: datetime) -> bool:
    """Tell whether an order of the month is not over, or over and not closed."""
    waiting = Order.objects.filter(status__in=[OrderStatus.OPEN, OrderStatus.MATCHED], start_max__lte=at)
    return waiting.exists() or Funding.objects.open().filter(order__start_max__lte=at).exists()
