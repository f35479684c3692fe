"""Write what an engine decided: matches with their reservations and prices, and a reason for everyone else."""

from collections.abc import Callable, Collection, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg.types.json import Jsonb

from core.periods import HOUR
from market.matching import Book, Fill, Unmatched
from market.models import Match, MatchBatch, Order, OrderStatus, Reservation, ReservationStatus
from market.pricing import average_micro
from market.services import prices, quotes, reclaims, reservations, splits
from market.services.books import Frozen
from market.services.reclaims import Reclaim

ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('market.matching', 0))"
EXPLAIN = """
UPDATE market_order AS waiting SET unmatched_reason = answer.reason, unmatched_detail = answer.detail
FROM unnest(%s::uuid[], %s::text[], %s::jsonb[]) AS answer (id, reason, detail)
WHERE waiting.id = answer.id
    AND (waiting.unmatched_reason, waiting.unmatched_detail) IS DISTINCT FROM (answer.reason, answer.detail)
"""


Pay = Callable[[Fill, tuple[int, ...]], tuple[int, ...]]


def alone() -> bool:
    """Say whether no other clearing is running, and keep others away until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(ALONE)
        row = cursor.fetchone()
    return bool(row and row[0])


def asked(_fill: Fill, asks: tuple[int, ...]) -> tuple[int, ...]:
    """Return the asks: what a fill costs unless somebody says otherwise."""
    return asks


def keep(
    batch: MatchBatch,
    frozen: Frozen,
    book: Book,
    fills: Sequence[Fill],
    *,
    pay: Pay = asked,
    open_still: Collection[UUID] = (),
) -> None:
    """Write the fills: the frozen rows are locked, so each of them still stands. ``pay`` turns asks into prices.

    Orders that got only a part of what they want stay open, if they are among ``open_still``.
    """
    hourly = [pay(fill, _hourly(frozen, book, fill)) for fill in fills]
    matches = [_match(batch, book, fill, prices_micro) for fill, prices_micro in zip(fills, hourly, strict=True)]
    _number(matches, fills)
    held = [_reservation(frozen, match, fill) for match, fill in zip(matches, fills, strict=True)]
    make_room(frozen, book, held)
    reservations.hold_capacity(reservations=held)
    Match.objects.bulk_create(matches)
    Reservation.objects.bulk_create(held)
    prices.keep(agreed=zip(held, hourly, strict=True))
    matched = Order.objects.filter(pk__in={fill.order_id for fill in fills}.difference(open_still))
    matched.move_all(OrderStatus.MATCHED, unmatched_reason="", unmatched_detail={})


def _hourly(frozen: Frozen, book: Book, fill: Fill) -> tuple[int, ...]:
    offering = frozen.offerings[fill.offering_id]
    return frozen.prices.hourly(offering, starts_at=book.hour(fill.start_hour), hours=fill.hours, count=fill.count)


def make_room(frozen: Frozen, book: Book, held: Sequence[Reservation]) -> None:
    """Free what reservations, not held yet, got of overdue quotes, and let interruptible orders give way to firm ones.

    All hours that are freed or held are taken first, in one go: whoever frees hours of several offerings at once, as
    an order in parts does that is cancelled, otherwise keeps one of them and waits for another.
    """
    given_way = _giving_way(frozen, book, held)
    freed = [quotes.held(one) for one in frozen.overdue] + [one.lost for one in given_way]
    if freed:
        reservations.lock_hours(reservations=[*held, *freed])
        quotes.expire(frozen.overdue)
    if given_way and frozen.spare:
        reclaims.carry_out(reclaims=given_way, at=frozen.spare.at)


def _giving_way(frozen: Frozen, book: Book, held: Sequence[Reservation]) -> list[Reclaim]:
    if frozen.spare is None or not frozen.spare.held or frozen.free is None:
        return []
    free = {ask.offering_id: frozen.free[row] for row, ask in enumerate(book.asks)}
    return reclaims.lacking(wanted=held, free=free, hour0=book.hour0, spare=frozen.spare)


def _number(matches: Sequence[Match], fills: Sequence[Fill]) -> None:
    """Number the parts of orders that are split, and say how large each is."""
    following = splits.next_parts({fill.order_id for fill in fills})
    for match, fill in zip(matches, fills, strict=True):
        if fill.order_id in following:
            match.part, match.card_hours = following[fill.order_id], fill.count * fill.hours
            following[fill.order_id] += 1


def _match(batch: MatchBatch, book: Book, fill: Fill, prices_micro: Sequence[int]) -> Match:
    return Match(
        batch=batch,
        order_id=fill.order_id,
        offering_id=fill.offering_id,
        starts_at=book.hour(fill.start_hour),
        price_micro=average_micro(prices_micro),
        reason={"rank": fill.rank, "considered": fill.considered} if fill.rank else {"auction": True},
    )


def _reservation(frozen: Frozen, match: Match, fill: Fill) -> Reservation:
    return Reservation(
        status=ReservationStatus.HELD,
        match=match,
        order_id=fill.order_id,
        offering_id=fill.offering_id,
        provider_id=frozen.offerings[fill.offering_id].provider_id,
        count=fill.count,
        starts_at=match.starts_at,
        ends_at=match.starts_at + fill.hours * HOUR,
        price_micro=match.price_micro,
        handover=frozen.offerings[fill.offering_id].handover,
        reclaim_minutes=frozen.reclaim_minutes(fill.offering_id),
    )


def explain(book: Book, unmatched: Sequence[Unmatched]) -> None:
    """Tell each order that stays open why, and give up those that wanted all at once.

    Rows that know their reason already are not written again.
    """
    answers = [(one.order_id, one.reason.value, Jsonb(_detail(book, one))) for one in unmatched]
    if answers:
        with connection.cursor() as cursor:
            cursor.execute(EXPLAIN, [list(column) for column in zip(*answers, strict=True)])
        missed = Order.objects.filter(pk__in=[one.order_id for one in unmatched]).immediate()
        splits.give_up(ids=list(missed.values_list("pk", flat=True)), at=book.hour0)


def _detail(book: Book, one: Unmatched) -> dict[str, Any]:
    """Return the engine's detail with the hour of the book as an instant."""
    detail: dict[str, Any] = dict(one.detail)
    if "start_hour" in detail:
        detail["starts_at"] = book.hour(detail.pop("start_hour")).isoformat()
    return detail
