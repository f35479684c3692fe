"""Random lives of orders and blocks: after every act our books are compared with plain reckoning."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil
from random import Random
from typing import Any

from django.db import transaction
from django.db.models import Sum

from accounts.services.audit import SYSTEM, Actor
from billing import selectors
from billing.models import AutoExtension, Charge, Funding, InstalmentPlan
from billing.services import (
    auto_extensions,
    charges,
    checkout,
    early_ends,
    extending,
    fundings,
    held_quotes,
    instalments,
)
from billing.services.auto_extensions import Instruction
from core.errors import DomainError
from core.periods import SHANGHAI, midnight
from market.models import CalendarHour, Offering, Order, OrderKind, Reservation
from market.notice import CURRENT
from market.pricing import Band, Electricity, Plan, Step
from market.services import blocks, downtimes, lifecycle, prices, reservations
from tests.billing import reckoning, scenes
from tests.billing.reckoning import HOUR, MS, Bill, Purse, half_up, share
from tests.market import scenes as markets

NOW = CURRENT.starts_at + timedelta(days=29, hours=9)  # the end of a day and of a month in Shanghai is near
MINUTE = timedelta(minutes=1)
LIMIT = 15_000_000
OFTEN = ["use"] * 6 + ["wait"] * 4 + ["extend", "step", "shorten"] * 2
SELDOM = ["instruct", "return_cards", "cancel", "terminate", "stop", "down", "publish"]


class Life:
    """An order at one offering and all that may be done to it, in any order, reckoned beside."""

    poor_fen = (1_000, 40_000)

    def __init__(self, seed: int) -> None:
        self.chance, self.at = Random(seed), NOW
        self.provider = markets.provider()
        self.offering = markets.listed(self.provider, markets.accelerator(), count=6, price_micro=2_000_000)
        self.notice = self.chance.choice([0, 0, 30])
        self.wallet = self.chance.choice([10_000_000, 10_000_000, self.chance.randrange(*self.poor_fen)])
        self.buyer = scenes.funded_buyer(self.wallet)
        self.customer, self.seller = Actor(organization=self.buyer), Actor(organization=self.provider)
        self.plans: list[tuple[datetime, dict[str, Any]]] = []
        self.tariffs: list[tuple[datetime, list[int]]] = []
        self.open_market()
        self.grants = [self.grant() for _number in range(self.chance.choice([0, 1, 2]))]
        self.bill = Bill()
        self.lost: list[tuple[datetime, datetime]] = []
        self.instruction: Any = None
        self.place()

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Let an act be refused in words, without effect."""
        with suppress(DomainError), transaction.atomic():
            yield

    # What the seller asks for, and what vouchers pay

    def open_market(self) -> None:
        for _number in range(self.chance.choice([0, 1, 2])):
            starts_at = NOW + (self.chance.randrange(1, 30) if self.tariffs else -100) * HOUR
            self.tariffs.append((starts_at, [self.chance.randrange(1_500_000) for _hour in range(24)]))
            terms: dict[str, Any] = {"code": "grid", "starts_at": starts_at, "hourly_micro": self.tariffs[-1][1]}
            prices.publish_tariff(**terms, source="x", actor=SYSTEM, at=self.at)
        for _number in range(self.chance.choice([0, 1, 2])):
            self.publish()

    def micro(self) -> int:
        return self.chance.choice([2_000_000, self.chance.randrange(5_000, 9_999_999)])

    def terms(self) -> dict[str, Any]:
        first, lowest = self.chance.randrange(24), self.micro()
        band = (first, (first + self.chance.randrange(1, 12)) % 24, self.micro())
        power = {
            "tariff": "grid",
            "share_bp": self.chance.choice([3_333, 10_000]),
            "watts": self.chance.choice([450, 700]),
            "pue_bp": self.chance.choice([10_000, 12_345]),
            "reference_micro": self.chance.choice([600_000, 123_456]),
            "lowest_micro": lowest,
            "highest_micro": lowest + self.chance.randrange(3_000_000),
        }
        return {
            "base": self.micro(),
            "bands": self.chance.choice([(), (band,)]),
            "electricity": self.chance.choice([None, power]) if self.tariffs else None,
            "terms": self.chance.choice([(), ((2, 777), (5, 1_234))]),
            "volumes": self.chance.choice([(), ((2, 333), (3, 2_500))]),
        }

    def publish(self) -> None:
        terms, starts_at = self.terms(), self.at.replace(minute=0) + self.chance.randrange(1, 20) * HOUR
        plan = Plan(
            base_micro=terms["base"],
            bands=tuple(Band(*band) for band in terms["bands"]),
            electricity=Electricity(**terms["electricity"]) if terms["electricity"] else None,
            terms=tuple(Step(*step) for step in terms["terms"]),
            volumes=tuple(Step(*step) for step in terms["volumes"]),
        )
        with self.trying():
            markets.priced(self.offering, plan, starts_at=starts_at, at=self.at)
            self.plans.append((starts_at, terms))

    def price_at(self, hours: int, cards: int) -> Callable[[datetime], int]:
        """Return what a card-hour of so many hours and cards costs, by the plan and the tariff of its hour."""

        def price(hour: datetime) -> int:
            counting = [row for row in self.plans if row[0] <= hour]
            if not counting:
                return 2_000_000
            local = hour.astimezone(SHANGHAI).hour
            tables = [row for row in self.tariffs if row[0] <= hour]
            tariff = max(tables, key=lambda row: row[0])[1][local] if tables else None
            terms = max(counting, key=lambda row: row[0])[1]
            return reckoning.price_micro(terms, hour_of_day=local, hours=hours, cards=cards, tariff=tariff)

        return price

    def grant(self) -> Any:
        ratio, fee = self.chance.choice([1_000, 3_333, 5_000, 9_999]), self.chance.choice([0, 777])
        changes = {"settlement.platform_fee_on_voucher_bp": fee} if fee else None
        days = self.chance.choice([1, 90, 90])
        rules = scenes.programme([self.provider], ratio_bp=ratio, changes=changes, validity_days=days)
        made = scenes.grant(self.buyer, rules, self.chance.choice([500, 3_333, 50_000]), at=self.at)
        return made, ratio, fee

    def voucher(self) -> Any:
        """Return a voucher, its ratio and what the platform may take of it, or none."""
        return self.chance.choice([(None, 0, 0), *self.grants])

    # How it begins

    def place(self) -> None:
        cards, hours, voucher = self.chance.randrange(1, 4), self.chance.randrange(1, 9), self.voucher()
        start = NOW + self.chance.choice([1, 2, 5, 26]) * HOUR
        terms: dict[str, Any] = {"count": cards, "hours": hours, "limit_micro": LIMIT}
        demand = scenes.demand(self.offering, start_min=start, start_max=start, **terms)
        told = checkout.quote(buyer=self.buyer, demand=demand, grant=voucher[0], at=self.at)
        self.bill.add([start + number * HOUR for number in range(hours)], self.price_at(hours, cards), cards)
        placed = {"starts_at": start, "at": self.at, "voucher": voucher[0], **terms}
        self.order = scenes.matched(self.buyer, self.offering, **placed).order
        Reservation.objects.update(notice_hours=self.notice)
        self.fill(None, told, voucher, half_up(Fraction(cards * hours * LIMIT, 10_000)))

    def fill(self, begins: datetime | None, told: Any, voucher: Any, estimate: int) -> None:
        """Take over what was told to be set aside, once it is what the documents say."""
        grant, ratio, fee = voucher
        most = int(share(estimate, ratio))
        assert (told.estimate_fen, told.voucher_fen + told.wallet_fen) == (estimate, estimate)
        assert told.voucher_fen == most or (told.voucher_fen < most and most > grant.face_fen // 9)
        expires_at = grant.expires_at if grant else NOW
        self.bill.purses.append(Purse(begins, told.wallet_fen, told.voucher_fen, ratio, fee, expires_at))

    # What may be done

    def again(self) -> Reservation:
        return Reservation.objects.select_related("order__buyer", "provider", "offering").get(order=self.order)

    def next_hour(self) -> datetime:
        return self.at if not self.at.minute else self.at.replace(minute=0) + HOUR

    def since(self, hour: datetime) -> dict[datetime, int]:
        return {at: cards for at, cards in self.bill.cards.items() if at >= hour}

    def extend(self) -> None:
        row, hours, voucher = self.again(), self.chance.randrange(1, 6), self.voucher()
        with self.trying():
            told = extending.quote(reservation=row, hours=hours, grant=voucher[0], at=self.at)
            terms: dict[str, Any] = {"hours": hours, "grant": voucher[0], "actor": self.customer, "at": self.at}
            made = extending.extend(reservation=row, **terms)
            assert (told.estimate_fen, told.voucher_fen) == (made.estimate_fen, made.voucher_fen)
            self.extended(row, made, voucher)

    def extended(self, row: Reservation, made: Any, voucher: Any) -> None:
        hours = (made.ends_at - made.starts_at) // HOUR
        added = [row.ends_at + number * HOUR for number in range(hours)]
        self.bill.add(added, self.price_at(hours, row.cards), row.cards)
        value = sum(row.cards * self.bill.prices[hour] for hour in added)
        self.fill(row.ends_at, made, voucher, ceil(Fraction(value, 10_000)))

    def instruct(self) -> None:
        row, voucher, budget = self.again(), self.voucher(), self.chance.choice([500, 3_000, 100_000])
        until, hours = row.ends_at + 9 * HOUR, self.chance.randrange(1, 4)
        terms: dict[str, Any] = {"budget_fen": budget, "limit_micro": LIMIT, "until": until, "grant": voucher[0]}
        with self.trying():
            wanted = Instruction(step_hours=hours, **terms)
            made = auto_extensions.instruct(reservation=row, instruction=wanted, actor=self.customer, at=self.at)
            self.instruction = made.pk, voucher

    def step(self) -> None:
        if self.instruction is None:
            return
        (key, voucher), row = self.instruction, self.again()
        made = auto_extensions.step(instruction_id=key, at=self.at)
        if made:
            self.extended(row, made, voucher)
        one, steps = AutoExtension.objects.get(pk=key), row.supplements.filter(auto_extension_step__instruction=key)
        assert one.spent_fen == sum(step.estimate_fen for step in steps) <= one.budget_fen

    def shorten(self) -> None:
        self.shorten_by(self.chance.randrange(1, 6))

    def shorten_by(self, hours: int) -> None:
        row = self.again()
        lost = self.since(row.ends_at - hours * HOUR)
        with self.trying():
            told = early_ends.shortening(reservation=row, hours=hours, at=self.at)
            early_ends.shorten(reservation=row, hours=hours, actor=self.customer, at=self.at)
            self.given_back(lost, told.fee_fen)

    def return_cards(self) -> None:
        row = self.again()
        lost = dict.fromkeys(self.since(max(self.next_hour(), row.starts_at)), 1)
        with self.trying():
            told = early_ends.returning(reservation=row, cards=1, at=self.at)
            early_ends.return_cards(reservation=row, cards=1, actor=self.customer, at=self.at)
            self.given_back(lost, told.fee_fen)

    def cancel(self) -> None:
        row, lost = self.again(), dict(self.bill.cards)
        with self.trying():
            told = sum(one.fee_fen for one in early_ends.cancelling(order=row.order, at=self.at))
            checkout.cancel(order=row.order, actor=self.customer, at=self.at)
            self.given_back(lost, told)

    def terminate(self) -> None:
        row, lost = self.again(), self.since(self.next_hour())
        with self.trying():
            told = early_ends.ending(reservation=row, at=self.at)
            early_ends.terminate(reservation=row, actor=self.customer, at=self.at)
            assert row.status == "active"
            self.given_back(lost, told.fee_fen)

    def stop(self) -> None:
        row, lost = self.again(), self.since(self.next_hour())
        with self.trying():
            lifecycle.stop(reservation=row, code="hardware-fault", detail="", actor=self.seller, at=self.at)
            self.lost.append((self.at if row.status == "active" else row.starts_at, row.ends_at))
            for hour in lost:
                del self.bill.cards[hour]

    def given_back(self, hours: dict[datetime, int], told_fen: int) -> None:
        fee = self.bill.fee_for(hours, at=self.at, listing_hours=self.notice)
        assert told_fen == fee
        if hours:
            self.bill.give_back(hours, fee=fee)

    def down(self) -> None:
        row = self.again()
        past = max((min(self.at, row.stopped_at or row.ends_at) - row.starts_at) // MINUTE, 2)
        start = row.starts_at + self.chance.randrange(past) * MINUTE
        span = start, min(start + self.chance.choice([1, 5, 30, 200]) * MINUTE, max(self.at, start + MINUTE))
        terms: dict[str, Any] = {"starts_at": span[0], "ends_at": span[1], "code": "network", "detail": ""}
        with self.trying():
            downtimes.report(reservation=row, actor=self.seller, at=self.at, **terms)
            self.lost.append(span)

    def use(self) -> None:
        row, past = self.again(), [hour for hour in self.bill.cards if hour < self.at]
        if row.status not in ("active", "ended", "interrupted") or not past:
            return
        hour = self.chance.choice(past)
        most, before = self.bill.cards[hour] * MS, self.bill.used.get(hour, 0)
        ms = self.chance.choice([most, self.chance.randrange(most)])
        self.bill.ruffled |= ms < before or Funding.objects.get().status == "closed"
        if ms != before:
            self.bill.used[hour] = ms
            scenes.meter(row, ms, first=(hour - row.starts_at) // HOUR)
        if self.chance.random() < 0.7:
            self.rate()

    def rate(self) -> None:
        free = selectors.wallet(self.buyer).available_fen
        for waiting in charges.waiting(limit=9):
            charges.rate_reservation(reservation_id=waiting, at=self.at)
        self.bill.rate()
        assert self.bill.ruffled or self.lost or selectors.wallet(self.buyer).available_fen == free

    def wait(self) -> None:
        self.at += self.chance.choice([20, 60, 60, 180, 240]) * MINUTE
        self.look()

    def look(self) -> None:
        """Let the sweeps look."""
        reservations.advance(at=self.at)
        if self.again().is_over:
            self.rate()

    def live(self, acts: int) -> None:
        for _number in range(acts):
            name = self.chance.choice([*OFTEN, *OFTEN, *SELDOM])
            getattr(self, name)()
            self.check()
        self.end()

    # What must be true

    def check(self) -> None:
        row, bill, rows = self.again(), self.bill, Charge.objects.all()
        assert sums(rows.usage(), "amount_fen", "voucher_fen") == (bill.amount, bill.voucher)
        net, vat = sums(rows.usage(), "commission_fen", "vat_fen")
        assert (net, net + vat) == (half_up(Fraction(bill.taken * 100, 106)), bill.taken)
        fees, net, vat = sums(rows.fees(), "amount_fen", "commission_fen", "vat_fen")
        assert (fees, net + vat) == (bill.fees, bill.fees_taken)
        back, public = sums(rows.credits(), "amount_fen", "voucher_fen")
        over = row.status in ("ended", "interrupted", "failed") and not charges.waiting(limit=1)
        if over:
            owed = reckoning.credit_fen(bill.amount, row.starts_at, row.stopped_at, self.lost)
            assert abs(-back - owed) <= (len(bill.purses) if bill.ruffled else 0)
        self.check_wallet(bill.amount - bill.voucher + bill.fees + back - public)
        ends_at = row.stopped_at or row.ends_at
        locked = CalendarHour.objects.filter(hour__gte=self.next_hour(), reserved__gt=0)
        promised = {hour: cards for hour, cards in self.since(self.next_hour()).items() if hour < ends_at}
        assert dict(locked.values_list("hour", "reserved")) == promised

    def check_wallet(self, paid: int) -> None:
        wallet, bill = selectors.wallet(self.buyer), self.bill
        assert wallet.balance_fen - wallet.arrears_fen == self.wallet - paid
        if wallet.arrears_fen:
            assert wallet.available_fen == 0
            assert bill.ruffled or self.lost
        elif not bill.ruffled:
            assert wallet.held_fen == (bill.held if Funding.objects.get().status == "open" else 0)

    def end(self) -> None:
        """Let all time pass, close the books, and report a little more usage when it is too late for them."""
        self.at += timedelta(days=3)
        self.look()
        self.at += timedelta(days=5)
        self.rate()
        for funding in fundings.due(at=self.at):
            fundings.close(funding=funding, at=self.at)
        assert (selectors.wallet(self.buyer).held_fen, Funding.objects.get().status) == (0, "closed")
        assert Order.objects.get().status in ("completed", "cancelled", "failed")
        for purse in self.bill.purses:
            purse.close()
        for _late in range(self.chance.choice([0, 0, 3])):
            self.use()
            self.rate()
        self.check()
        if all(grant.expires_at > self.at for grant, _ratio, _fee in self.grants):
            left = sum(scenes.fen(f"grant/{grant.pk}") for grant, _ratio, _fee in self.grants)
            spent = sums(Charge.objects.all(), "voucher_fen")[0]
            assert left == sum(grant.face_fen for grant, _ratio, _fee in self.grants) - spent
        assert scenes.broken() == []


class BlockLife(Life):
    """A block that is paid month by month, and what may be done to it while its months come and go."""

    poor_fen = (150_000, 700_000)

    def open_market(self) -> None:
        self.price = self.chance.choice([2_000_000, 2_000_001, 1_234_567])
        Offering.objects.filter(pk=self.offering.pk).update(price_micro=self.price)
        self.offering.refresh_from_db()

    def publish(self) -> None:
        """Leave the price as it is."""

    def price_at(self, hours: int, cards: int) -> Callable[[datetime], int]:  # noqa: ARG002 - it has one price
        return lambda _hour: self.price

    def place(self) -> None:
        cards, day, self.paying = self.chance.randrange(1, 4), self.chance.choice([3, 15, 28]), self.voucher()
        self.starts = [midnight(date(2026 + month // 13, (month - 1) % 12 + 1, day)) for month in (12, 13, 14, 15)]
        wanted: dict[str, Any] = {"count": cards, "starts_on": date(2026, 12, day), "months": 3, "at": self.at}
        demand = blocks.demand_of(self.offering, **wanted)
        chosen = held_quotes.Chosen(self.paying[0], {}, OrderKind.BLOCK, monthly=True)
        terms: dict[str, Any] = {"buyer": self.buyer, "demand": demand, "chosen": chosen, "actor": self.customer}
        self.order = held_quotes.buy(offering=self.offering, **terms, at=self.at)
        Reservation.objects.update(notice_hours=self.notice)
        self.bill.add([self.starts[0] + n * HOUR for n in range(demand.hours)], self.price_at(0, 0), cards)
        self.next = 1
        self.set_aside(None, 0, Funding.objects.get())

    def month_fen(self, number: int) -> int:
        """Return what a month costs at most as it stands."""
        month = [n for hour, n in self.bill.cards.items() if self.starts[number] <= hour < self.starts[number + 1]]
        return ceil(Fraction(sum(month) * self.price, 10_000))

    def set_aside(self, begins: datetime | None, number: int, made: Any) -> None:
        assert made.estimate_fen == self.month_fen(number)
        self.fill(begins, made, self.paying if made.voucher_fen else (None, 0, 0), made.estimate_fen)

    def look(self) -> None:
        """Let the sweeps look, and reckon which month has to be set aside by now, or was missed."""
        super().look()
        plan = InstalmentPlan.objects.get()
        made = instalments.step(plan_id=plan.pk, at=self.at)
        if made:
            first = self.starts[self.next]
            assert (made.starts_at, made.ends_at) == (first, min(self.starts[self.next + 1], self.bill.ends_at))
            assert self.at >= first - timedelta(days=7)
            self.set_aside(first, self.next, made)
            self.next += 1
        plan.refresh_from_db()
        row = self.again()
        if plan.status == "missed" and self.bill.cards and row.ends_at < self.bill.ends_at:
            assert row.ends_at in (self.starts[self.next], self.next_hour(), self.next_hour() + HOUR)
            self.bill.give_back(self.since(row.ends_at), fee=0)
        elif plan.status == "active" and not row.is_over:
            assert plan.to_come_fen == sum(self.month_fen(number) for number in range(self.next, 3))

    def extended(self, row: Reservation, made: Any, voucher: Any) -> None:
        super().extended(row, made, voucher)
        self.next = 3

    def shorten(self) -> None:
        self.shorten_by(self.chance.choice([1, 20, 500, 800]))

    def wait(self) -> None:
        self.at += self.chance.choice([5, 24, 100, 300]) * HOUR
        self.look()

    def end(self) -> None:
        while not self.again().is_over:
            self.at += timedelta(days=4)
            self.look()
        super().end()


def sums(rows: Any, *names: str) -> tuple[int, ...]:
    """Return the sums of some columns."""
    found = rows.aggregate(**{f"{name}_sum": Sum(name) for name in names})
    return tuple(found[f"{name}_sum"] or 0 for name in names)
