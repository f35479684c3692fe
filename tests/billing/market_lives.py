"""Random lives of a small market: orders whole and in parts, bids, quotes, awards, and all that may become of them."""

from datetime import datetime, timedelta
from typing import Any

from accounts.services.audit import Actor
from billing.models import Funding, Supplement
from billing.services import checkout, early_ends, extending, fundings, held_quotes, rfq_awards
from billing.services.held_quotes import Chosen
from market.models import Bid, Downtime, Offering, Order, OrderKind, Quote, Reservation, Rfq, TimeInForce
from market.services import (
    bids,
    downtimes,
    floors,
    lifecycle,
    matching,
    orders,
    quotes,
    quoting,
    reclaims,
    reservations,
    rfqs,
)
from market.services.rfqs import Wanted
from market.services.splits import Split
from tests.billing import scenes
from tests.billing.reckoning import HOUR, MS
from tests.billing.worlds import FLOORS, MINUTE, PRICES, Stay, Voucher, World
from tests.market import rfqs as tenders
from tests.market import scenes as markets
from vouchers.services import freezing

COMING = ["order", "split", "split", "bid", "bid", "tender", "ask"]
OFTEN = ["use"] * 9 + ["wait"] * 5 + ["clear"] * 3 + ["award", "answer", "hand_over", "extend"] * 2
SELDOM = ["shorten", "return_cards", "cancel", "terminate", "stop", "down", "claim", "reply", "reply", "dispute"]
SELDOM += ["freeze", "freeze", "move_floor"]


class MarketLife(World):
    """Everything that two buyers and two providers may do, in any order."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.tenders: list[tuple[Rfq, datetime]] = []

    def live(self, acts: int) -> None:
        for name in ["bid", "bid", "tender", "clear", "order", "split", "clear", "wait"]:
            self.act(name)
        for _number in range(acts):
            self.act(self.chance.choice([*COMING, *OFTEN, *SELDOM]))
        self.end()

    def act(self, name: str) -> None:
        self.said = name
        getattr(self, name)()
        self.sync()
        self.check()

    def end(self) -> None:
        """Let all time pass, and look for what is still held."""
        for _step in range(3):
            self.at += timedelta(days=4)
            self.act("look")
        self.check_end()
        for _late in range(self.chance.choice([0, 3])):
            self.act("use")
        self.rate()
        self.act("look")
        self.check_end()

    # Who, and what

    def window(self) -> dict[str, Any]:
        first = self.next_hour() + self.chance.choice([1, 1, 2, 3]) * HOUR
        return {"start_min": first, "start_max": first + self.chance.choice([0, 0, 3]) * HOUR}

    def customer(self) -> Any:
        return self.chance.choice(list(self.funded))

    def some(self) -> Stay | None:
        """Return a part that is not over, rather of an order in several parts, if there is one."""
        live = [stay for stay in self.stays.values() if not stay.is_over]
        parts = [stay for stay in live if len(stay.deal.stays) > 1]
        return self.picked(self.chance.choice([parts, live]) or live or list(self.stays.values()))

    def buyer_of(self, stay: Stay) -> Actor:
        return Actor(organization=stay.deal.buyer)

    def seller_of(self, stay: Stay) -> Actor:
        return Actor(organization=self.row(stay).provider)

    def posted(self, offering: Any) -> int:
        return {one.pk: price for one, price in zip(self.listings, PRICES, strict=True)}[offering]

    def since(self, stay: Stay, hour: datetime) -> dict[datetime, int]:
        return {at: cards for at, cards in stay.bill.cards.items() if at >= hour}

    # How orders come

    def place(self, price: Any = None, **terms: Any) -> None:
        who = self.customer()
        voucher = self.any_voucher(who)
        wanted = {"accelerators": (self.card,), **self.window(), **terms}
        demand = scenes.demand(self.listings[0], **wanted)
        grant = voucher and voucher.grant
        with self.trying():
            told = checkout.quote(buyer=who, demand=demand, grant=grant, at=self.at)
            made = checkout.place(buyer=who, demand=demand, grant=grant, actor=Actor(organization=who), at=self.at)
            kept = Funding.objects.get(order=made)
            assert (told.estimate_fen, told.voucher_fen) == (kept.estimate_fen, kept.voucher_fen)
            self.dealt(made, who, voucher, price or self.posted)

    def order(self) -> None:
        stands = self.chance.choice(TimeInForce.values)
        good_till = self.next_hour() + HOUR if stands == TimeInForce.UNTIL else None
        cards, hours = self.chance.randrange(2, 7), self.chance.randrange(2, 8)
        limit = self.chance.choice([2_000_001, 2_345_678, 1_234_567, 1_000_000])
        standing = {"time_in_force": stands, "good_till": good_till}
        self.place(count=cards, hours=hours, limit_micro=limit, **standing)

    def split(self) -> None:
        cards, hours = self.chance.randrange(4, 11), self.chance.randrange(2, 7)
        whole = self.chance.choice([True, False])
        parts = Split(parts=self.chance.randrange(2, 5), hours=self.chance.choice([1, 2]), all_or_none=whole)
        self.place(count=cards, hours=hours, limit_micro=self.chance.choice([2_000_001, 3_000_003]), split=parts)

    def bid(self) -> None:
        limit = self.chance.choice([300_000, 500_001, 640_000, 900_000])
        terms = {"count": self.chance.randrange(1, 6), "hours": self.chance.randrange(2, 9), "limit_micro": limit}
        self.place(price=self.floor_of, kind=OrderKind.INTERRUPTIBLE, **terms)

    def floor_of(self, offering: Any) -> int:
        return int(Offering.objects.get(pk=offering).floor_micro or 0)

    def clear(self) -> None:
        matching.run(at=self.at)
        self.sync()
        matching.run_interruptible(at=self.at)

    def move_floor(self) -> None:
        listing = self.chance.choice(self.listings)
        floor, actor = self.chance.choice([*FLOORS, None]), Actor(organization=listing.provider)
        if floor is None:
            floors.withdraw(offering=listing, actor=actor, at=self.at)
        else:
            terms = {"floor_micro": floor, "reclaim_minutes": self.minutes()}
            floors.offer(offering=listing, **terms, actor=actor, at=self.at)

    def ask(self) -> None:
        who = self.customer()
        terms = {"count": self.chance.randrange(1, 5), "hours": self.chance.randrange(1, 5), "limit_micro": 2_100_000}
        demand = scenes.demand(self.listings[0], **self.window(), **terms)
        with self.trying():
            made = quoting.give(buyer=who, demand=demand, actor=Actor(organization=who), at=self.at)
            assert set(made.hourly_micro) == {self.posted(made.offering_id)}
            hours = [made.starts_at + n * HOUR for n in range(terms["hours"])]
            self.quoted[made.pk] = (made.offering_id, dict.fromkeys(hours, terms["count"]))

    def answer(self) -> None:
        quote = self.picked(list(Quote.objects.select_related("buyer").order_by("pk")))
        if quote is None:
            return
        named = {"quote_id": quote.pk, "buyer": quote.buyer, "actor": Actor(organization=quote.buyer)}
        with self.trying():
            if self.chance.random() < 0.2:
                quotes.withdraw(**named, at=self.at)
                return
            voucher = self.any_voucher(quote.buyer)
            made = held_quotes.accept(**named, chosen=Chosen(voucher and voucher.grant), at=self.at)
            assert self.at < quote.expires_at
            self.quoted.pop(quote.pk)
            self.dealt(made, quote.buyer, voucher, self.posted)

    def tender(self) -> None:
        who, start = self.customer(), self.next_hour() + self.chance.choice([3, 6]) * HOUR
        terms = {"title": "x", "category": self.listings[0].category, "accelerators": (self.card,)}
        asked = {"count": 5, "hours": self.chance.randrange(1, 5), "start_min": start, "start_max": start}
        until = self.at + HOUR
        wanted = Wanted(**terms, **asked, bids_until=until)
        made = rfqs.publish(buyer=who, wanted=wanted, actor=Actor(organization=who), at=self.at)
        for listing in self.listings:
            offered = {"price_micro": self.chance.randrange(700_000, 1_900_000), "count": self.chance.randrange(1, 6)}
            sealed = tenders.terms(listing, **offered, starts_at=start, valid_until=until + timedelta(days=2))
            seller = Actor(organization=listing.provider)
            bids.submit(rfq=made, provider=listing.provider, terms=sealed, actor=seller, at=self.at)
        self.tenders.append((made, until))

    def award(self) -> None:
        due = [rfq for rfq, until in self.tenders if until <= self.at]
        rfq = self.picked(due)
        if rfq is None:
            return
        if Rfq.objects.get(pk=rfq.pk).status == "open":
            rfqs.open_bids(rfq_id=rfq.pk, at=self.at)
        offers = list(Bid.objects.filter(rfq=rfq).select_related("offering").order_by("price_micro", "pk"))
        won = self.chance.choice([offers[:1], offers[1:], offers])
        voucher = self.any_voucher(rfq.buyer)
        with self.trying():
            terms = {"bids": won, "grant": voucher and voucher.grant, "reason": "x", "at": self.at}
            made = rfq_awards.award(rfq=rfq, buyer=rfq.buyer, actor=Actor(organization=rfq.buyer), **terms)
            for order, bid in zip(made, won, strict=True):
                self.awarded(order, voucher, bid.price_micro, last=order == made[-1])

    def awarded(self, order: Order, voucher: Voucher | None, price: int, *, last: bool) -> None:
        """Take over an order of an award; what serves it is looked at once all of them are known."""
        adopt, self.adopt = self.adopt, (self.adopt if last else lambda: None)  # type: ignore[method-assign]
        try:
            self.dealt(order, order.buyer, voucher, lambda _offering: price)
        finally:
            self.adopt = adopt  # type: ignore[method-assign]

    # What becomes of them

    def hand_over(self) -> None:
        if stay := self.some():
            with self.trying():
                lifecycle.report_access(reservation=self.row(stay), details="x", actor=self.seller_of(stay), at=self.at)

    def use(self) -> None:
        rows = self.read()
        used = [one for one in self.stays.values() if rows[one.key].status in ("active", "ended", "interrupted")]
        stay = self.picked(used)
        past = [hour for hour in stay.bill.cards if hour < self.at] if stay else []
        if stay is None or not past:
            return
        hour = self.chance.choice(past)
        most, before = stay.bill.cards[hour] * MS, stay.bill.used.get(hour, 0)
        ms = self.chance.choice([most, most, self.chance.randrange(most)])
        stay.bill.ruffled |= ms < before or bool(stay.bill.purses[0].frozen)
        if ms != before:
            stay.bill.used[hour] = ms
            row = self.row(stay)
            scenes.meter(row, ms, first=(hour - row.starts_at) // HOUR)
        if self.chance.random() < 0.7:
            self.rate()

    def wait(self) -> None:
        self.at += self.chance.choice([5, 20, 60, 60, 120, 180]) * MINUTE
        self.look()

    def look(self) -> None:
        """Let the sweeps look."""
        orders.expire_overdue(at=self.at)
        quotes.expire_overdue(at=self.at)
        reclaims.outbid(at=self.at)
        self.sync()
        self.advance()
        for downtime in downtimes.unanswered(at=self.at):
            downtimes.accept_unanswered(downtime=downtime, at=self.at)
        self.sync()
        self.rate()
        for funding in fundings.due(at=self.at):
            fundings.close(funding=funding, at=self.at)

    def advance(self) -> None:
        reservations.advance(at=self.at)
        rows = self.read()
        for stay in self.stays.values():
            row = rows[stay.key]
            if not stay.is_over and row.starts_at <= self.at:
                assert row.status in ("held", "provisioning", "active", "failed", "ended", "interrupted")
                assert (row.status in ("ended", "interrupted")) == (row.ends_at <= self.at) or row.status == "failed"
                if row.status in ("ended", "interrupted"):
                    assert (row.status == "interrupted") == (row.reclaimed_at is not None)

    def extend(self) -> None:
        stay = self.some()
        if stay is None:
            return
        row, hours, voucher = self.row(stay), self.chance.randrange(1, 5), self.any_voucher(stay.deal.buyer)
        grant = voucher and voucher.grant
        with self.trying():
            told = extending.quote(reservation=row, hours=hours, grant=grant, at=self.at)
            terms = {"hours": hours, "grant": grant, "actor": self.buyer_of(stay), "at": self.at}
            made = extending.extend(reservation=row, **terms)
            assert (told.estimate_fen, told.voucher_fen) == (made.estimate_fen, made.voucher_fen)
            self.extended(stay, row, made, voucher)

    def extended(self, stay: Stay, row: Reservation, made: Supplement, voucher: Voucher | None) -> None:
        hours, price = (made.ends_at - made.starts_at) // HOUR, self.posted(stay.offering)
        purse = self.fill(row.ends_at, -(-row.cards * hours * price // 10_000), 0, made, voucher)
        stay.bill.add([row.ends_at + n * HOUR for n in range(hours)], lambda _hour: price, row.cards)
        stay.bill.purses.append(purse)

    def shorten(self) -> None:
        if stay := self.some():
            row, hours = self.row(stay), self.chance.randrange(1, 4)
            lost = self.since(stay, row.ends_at - hours * HOUR)
            with self.trying():
                told = early_ends.shortening(reservation=row, hours=hours, at=self.at)
                early_ends.shorten(reservation=row, hours=hours, actor=self.buyer_of(stay), at=self.at)
                self.given_back(stay, lost, told.fee_fen)

    def return_cards(self) -> None:
        if stay := self.some():
            row = self.row(stay)
            lost = dict.fromkeys(self.since(stay, max(self.next_hour(), row.starts_at)), 1)
            with self.trying():
                told = early_ends.returning(reservation=row, cards=1, at=self.at)
                early_ends.return_cards(reservation=row, cards=1, actor=self.buyer_of(stay), at=self.at)
                self.given_back(stay, lost, told.fee_fen)

    def cancel(self) -> None:
        deal = self.picked(self.deals)
        if deal is None:
            return
        waiting = [one for one in deal.stays if not one.is_over and self.row(one).starts_at > self.at]
        waiting = [one for one in waiting if self.row(one).status in ("held", "provisioning")]
        fees = {one: list(early_ends.cancelling(order=deal.order, at=self.at)) for one in waiting[:1]}
        with self.trying():
            checkout.cancel(order=deal.order, actor=Actor(organization=deal.buyer), at=self.at)
            for told in [one for part in fees.values() for one in part]:
                stay = self.stays[told.reservation.pk]
                fee = (
                    0
                    if stay.bid_micro is not None
                    else stay.bill.fee_for(stay.bill.cards, at=self.at, listing_hours=self.fees_from)
                )
                assert (stay in waiting, told.fee_fen) == (True, fee)
                self.take_off(stay, dict(stay.bill.cards), fee)
            assert sum(map(len, fees.values())) == len(waiting)

    def terminate(self) -> None:
        if stay := self.some():
            row, lost = self.row(stay), self.since(stay, self.next_hour())
            with self.trying():
                told = early_ends.ending(reservation=row, at=self.at)
                early_ends.terminate(reservation=row, actor=self.buyer_of(stay), at=self.at)
                if row.status == "active":
                    self.given_back(stay, lost, told.fee_fen)
                assert self.row(stay).status == ("ended" if row.status == "active" else "released")

    def stop(self) -> None:
        if stay := self.some():
            row, code = self.row(stay), self.chance.choice(["hardware-fault", "force-majeure", "buyer-breach"])
            with self.trying():
                lifecycle.stop(reservation=row, code=code, detail="", actor=self.seller_of(stay), at=self.at)
                assert self.row(stay).status == ("interrupted" if row.status == "active" else "failed")

    # What could not be used

    def span(self, row: Reservation) -> tuple[datetime, datetime]:
        past = max((min(self.at, row.stopped_at or row.ends_at) - row.starts_at) // MINUTE, 2)
        start = row.starts_at + self.chance.randrange(past) * MINUTE
        return start, min(start + self.chance.choice([1, 5, 30, 200]) * MINUTE, max(self.at, start + MINUTE))

    def down(self) -> None:
        if stay := self.picked(list(self.stays.values())):
            row = self.row(stay)
            starts_at, ends_at = self.span(row)
            terms: dict[str, Any] = {"starts_at": starts_at, "ends_at": ends_at, "code": "network", "detail": ""}
            with self.trying():
                downtimes.report(reservation=row, actor=self.seller_of(stay), at=self.at, **terms)
                stay.lost.append((starts_at, ends_at))

    def claim(self) -> None:
        if stay := self.picked(list(self.stays.values())):
            row = self.row(stay)
            span = self.span(row)
            terms: dict[str, Any] = {"starts_at": span[0], "ends_at": span[1], "code": "network", "detail": ""}
            with self.trying():
                made = downtimes.report(reservation=row, actor=self.buyer_of(stay), at=self.at, **terms)
                self.claims[made.pk] = stay, span

    def dispute(self) -> None:
        if stay := self.some():
            row = self.row(stay)
            with self.trying():
                made = downtimes.dispute_access(reservation=row, detail="dark", actor=self.buyer_of(stay), at=self.at)
                self.claims[made.pk] = stay, (made.starts_at, made.ends_at)
                assert (made.starts_at, made.ends_at) in ((row.starts_at, row.ends_at), (row.starts_at, row.stopped_at))

    def reply(self) -> None:
        key = self.picked(list(self.claims))
        if key is None:
            return
        claimed = Downtime.objects.select_related("reservation__provider", "reservation__order__buyer").get(pk=key)
        seller = Actor(organization=claimed.reservation.provider)
        with self.trying():
            if claimed.status == "contested":
                upheld = self.chance.choice([True, False])
                terms = {"upheld": upheld, "decision": "x", "actor": markets.operator(), "at": self.at}
                downtimes.decide(downtime=claimed, **terms)
                return
            if self.chance.choice([True, False]):
                downtimes.accept(downtime=claimed, actor=seller, at=self.at)
            else:
                downtimes.contest(downtime=claimed, answer="x", actor=seller, at=self.at)

    def freeze(self) -> None:
        voucher = self.chance.choice(self.vouchers[self.customer()])
        person = Actor(user=scenes.person())
        with self.trying():
            if voucher.frozen and voucher.frozen[-1][1] is None:
                freezing.lift(grant=voucher.grant, reason="x", actor=person, at=self.at)
                voucher.frozen[-1] = (voucher.frozen[-1][0], self.at)
            else:
                freezing.freeze(grant=voucher.grant, reason="x", actor=person, at=self.at)
                voucher.frozen.append((self.at, None))
