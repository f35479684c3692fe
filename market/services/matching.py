"""Clear the market: freeze it, ask the engine, write every decision and every reason, all in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from core.periods import HOUR
from market import matching as engine
from market.matching import Book, Fill, Unmatched
from market.matching.digest import RULE
from market.models import Match, MatchBatch, Order, OrderStatus, Reservation, ReservationStatus
from market.pricing import average_micro
from market.services import books, prices, reservations
from market.services.books import Frozen

ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('market.matching', 0))"
EXPLAIN = """
UPDATE market_order AS waiting SET unmatched_reason = answer.reason, unmatched_detail = answer.detail
FROM unnest(%s::uuid[], %s::text[], %s::jsonb[]) AS answer (id, reason, detail)
WHERE waiting.id = answer.id
    AND (waiting.unmatched_reason, waiting.unmatched_detail) IS DISTINCT FROM (answer.reason, answer.detail)
"""


@transaction.atomic
def run(*, at: datetime) -> MatchBatch | None:
    """Match the open orders and return the batch.

    None means that nothing is new since the last batch, or that another clearing is running.
    """
    if not _alone():
        return None
    frozen = books.freeze(at=at)
    if frozen.book is None:
        return None
    digest = engine.input_sha256(frozen.book, frozen.bids)
    # An input that was seen before had no match: what matches does not stay open.
    if MatchBatch.objects.order_by("-pk").values_list("input_sha256", flat=True).first() == digest:
        return None
    outcome = engine.match(frozen.book, frozen.bids)
    batch = MatchBatch.objects.create(
        at=at, engine=RULE, input_sha256=digest, orders=len(frozen.bids), matched=len(outcome.matches)
    )
    _keep(batch, frozen, frozen.book, outcome.matches)
    _explain(frozen.book, outcome.unmatched)
    return batch


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(ALONE)
        row = cursor.fetchone()
    return bool(row and row[0])


def _keep(batch: MatchBatch, frozen: Frozen, book: Book, fills: Sequence[Fill]) -> None:
    """Write the fills: the frozen rows are locked, so each of them still stands."""
    hourly = [_hourly(frozen, book, fill) for fill in fills]
    matches = [_match(batch, book, fill, prices_micro) for fill, prices_micro in zip(fills, hourly, strict=True)]
    held = [_reservation(frozen, match, fill) for match, fill in zip(matches, fills, strict=True)]
    reservations.hold_capacity(reservations=held)
    Match.objects.bulk_create(matches)
    Reservation.objects.bulk_create(held)
    prices.keep(agreed=zip(held, hourly, strict=True))
    matched = Order.objects.filter(pk__in=[fill.order_id for fill in fills])
    matched.move_all(OrderStatus.MATCHED, unmatched_reason="", unmatched_detail={})


def _hourly(frozen: Frozen, book: Book, fill: Fill) -> tuple[int, ...]:
    offering = frozen.offerings[fill.offering_id]
    return frozen.prices.hourly(offering, starts_at=book.hour(fill.start_hour), hours=fill.hours, count=fill.count)


def _match(batch: MatchBatch, book: Book, fill: Fill, prices_micro: Sequence[int]) -> Match:
    return Match(
        batch=batch,
        order_id=fill.order_id,
        offering_id=fill.offering_id,
        starts_at=book.hour(fill.start_hour),
        price_micro=average_micro(prices_micro),
        reason={"rank": fill.rank, "considered": fill.considered},
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
    )


def _explain(book: Book, unmatched: Sequence[Unmatched]) -> None:
    """Tell each order that stays open why; rows that know it already are not written again."""
    answers = [(one.order_id, one.reason.value, Jsonb(_detail(book, one))) for one in unmatched]
    if answers:
        with connection.cursor() as cursor:
            cursor.execute(EXPLAIN, [list(column) for column in zip(*answers, strict=True)])


def _detail(book: Book, one: Unmatched) -> dict[str, Any]:
    """Return the engine's detail with the hour of the book as an instant."""
    detail: dict[str, Any] = dict(one.detail)
    if "start_hour" in detail:
        detail["starts_at"] = book.hour(detail.pop("start_hour")).isoformat()
    return detail
