"""What the market and the bills know of vouchers' trades, for the rules that look for misuse.

No provider reports how busy cards are or what ran on them, no bank tells whose account a payment came from: for idle
cards, repeated jobs and kickbacks there are no facts yet.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.models import Charge, MeterChange
from core.periods import date_of
from market.models import MeteredHour, PricePlan, Reservation, Trade
from vouchers.fraud.facts import Job, Metered, Payback, PriceChange, Sale, Subsidised
from vouchers.models import Redemption

MILLISECOND = timedelta(milliseconds=1)
FEWEST_TRADES = 5
PAID = ("captured_fen", "refunded_fen")
OF_RESERVATION = (
    "order",
    "provider",
    "count",
    "given_back",
    "starts_at",
    "ends_at",
    "price_micro",
    "offering__accelerator",
    "offering__category",
    "offering__price_micro",
)
MEDIANS = """
SELECT trade.accelerator_id, trade.category, percentile_disc(0.5) WITHIN GROUP (ORDER BY trade.price_micro)
FROM market_trade trade
WHERE trade.at >= %s AND NOT EXISTS (SELECT FROM market_tradeexclusion excluded WHERE excluded.trade_id = trade.id)
GROUP BY trade.accelerator_id, trade.category HAVING count(*) >= %s
"""


class MarketFacts:
    """``vouchers.fraud.ports.Market``, answered from orders, the tape, price plans, meters and charges."""

    def subsidised(self, *, programme_id: UUID, since: datetime) -> Iterator[Subsidised]:
        """Return what a programme's vouchers paid of orders, with the list price and the median of the market."""
        medians = _medians(since)
        for one in _reservations(programme_id, since):
            redemption, offering = _redemption(one), one.offering
            yield Subsidised(
                redemption_id=redemption.pk,
                grant_id=redemption.grant_id,
                programme_id=programme_id,
                buyer_id=one.order.buyer_id,
                provider_id=one.provider_id,
                on=date_of(redemption.held_at),
                voucher_fen=redemption.captured_fen - redemption.refunded_fen,
                price_micro=one.price_micro,
                list_micro=offering.price_micro,
                median_micro=medians.get((offering.accelerator_id, offering.category)),
            )

    def sales(self, *, since: datetime) -> Iterator[Sale]:
        """Return every trade on the tape."""
        rows = Trade.objects.filter(at__gte=since).order_by("pk")
        names = ("seller_id", "buyer_id", "at", "price_micro", "count", "hours")
        for seller_id, buyer_id, at, price_micro, count, hours in rows.values_list(*names).iterator():
            amount_fen = price_micro * count * hours // 10_000
            yield Sale(seller_id=seller_id, buyer_id=buyer_id, on=date_of(at), amount_fen=amount_fen)

    def price_changes(self, *, since: datetime) -> Iterator[PriceChange]:
        """Return how the base prices of offerings changed from plan to plan."""
        rows = PricePlan.objects.select_related("offering").order_by("offering", "starts_at")
        before: dict[UUID, int] = {}
        for one in rows.iterator():
            base_micro = int(one.terms["base_micro"])
            earlier = before.get(one.offering_id)
            before[one.offering_id] = base_micro
            if earlier is not None and one.starts_at >= since and base_micro != earlier:
                yield PriceChange(
                    provider_id=one.offering.provider_id,
                    product=str(one.offering_id),
                    on=date_of(one.starts_at),
                    before_micro=earlier,
                    after_micro=base_micro,
                )

    def metered(self, *, programme_id: UUID, since: datetime) -> Iterator[Metered]:
        """Return meter and bill of each reservation that was charged whole; how busy the cards were nobody reports."""
        waiting = set(MeterChange.objects.values_list("reservation_id", flat=True))
        used = _sums(MeteredHour.objects.filter(hour__gte=since), "reservation_id")
        billed = _sums(Charge.objects.usage().filter(hour__gte=since), "reservation_id")
        for one in _reservations(programme_id, since):
            redemption = _redemption(one)
            if one.pk in waiting or one.starts_at < since:
                continue
            reserved = (one.ends_at - one.starts_at) // MILLISECOND * one.count - _given_back_ms(one)
            yield Metered(
                redemption_id=redemption.pk,
                grant_id=redemption.grant_id,
                programme_id=programme_id,
                buyer_id=one.order.buyer_id,
                provider_id=one.provider_id,
                reserved_ms=reserved,
                metered_ms=used.get(one.pk, 0),
                billed_ms=billed.get(one.pk, 0),
                voucher_fen=redemption.captured_fen - redemption.refunded_fen,
            )

    def jobs(self, *, programme_id: UUID, since: datetime) -> Iterable[Job]:  # noqa: ARG002 - the port's signature
        """Return nothing: no provider reports what ran."""
        return ()

    def paybacks(self, *, since: datetime) -> Iterable[Payback]:  # noqa: ARG002 - the port's signature
        """Return nothing: no bank tells from whose account a payment came."""
        return ()


def _given_back_ms(one: Reservation) -> int:
    """Return how much card time of a reservation was given back before its end."""
    rows = one.returned.filter(hour__lt=one.ends_at) if one.given_back else []
    return sum(row.cards * ((one.ends_at - row.hour) // MILLISECOND) for row in rows)


def _reservations(programme_id: UUID, since: datetime) -> QuerySet[Reservation]:
    """Return the reservations of orders of which a programme's vouchers have paid something."""
    redemption = "order__funding__redemption"
    rows = Reservation.objects.filter(
        **{f"{redemption}__grant__programme": programme_id, f"{redemption}__held_at__gte": since},
        order__funding__redemption__captured_fen__gt=F("order__funding__redemption__refunded_fen"),
    )
    of_order, of_redemption = ("order__buyer", "order__funding__order"), ("grant", "held_at", *PAID)
    asked = [*OF_RESERVATION, *of_order, *(f"{redemption}__{name}" for name in of_redemption)]
    return rows.select_related("order__funding__redemption", "offering").only(*asked).order_by("pk")


def _redemption(reservation: Reservation) -> Redemption:
    redemption = reservation.order.funding.redemption
    assert redemption is not None, "only those with a voucher were asked for"
    return redemption


def _sums(rows: QuerySet, key: str) -> dict[UUID, int]:
    return dict(
        rows.order_by().values(key).annotate(total=Coalesce(Sum("accelerator_ms"), 0)).values_list(key, "total")
    )


def _medians(since: datetime) -> dict[tuple[UUID, str], int]:
    with connection.cursor() as cursor:
        cursor.execute(MEDIANS, [since, FEWEST_TRADES])
        return {(row[0], row[1]): int(row[2]) for row in cursor.fetchall()}
