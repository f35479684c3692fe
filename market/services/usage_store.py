"""Write usage in bulk: one lock per hour, one COPY, one INSERT, whatever the number of events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor

from accounts.models import Organization
from market.models import Reservation, ReservationStatus, UsageBatch
from market.services.usage_rules import Arrival, Bucket, Promise, Span

CLAIM = """
SELECT pg_advisory_xact_lock(hashtextextended('usage/' || %s || '/' || %s, 0)), nextval('market_usagebatch_id_seq')
"""
PROMISES = """
SELECT id, order_id, starts_at, ends_at, count, status FROM market_reservation
WHERE provider_id = %(provider)s AND (id = ANY(%(ids)s) OR order_id = ANY(%(ids)s))
    AND (status IN ('active', 'ended') OR status = 'held' AND starts_at <= %(at)s)
"""
# Locks the hours for the rest of the transaction and gives back until when they were reported before.
LOCK_HOURS = """
INSERT INTO market_meteredhour (reservation_id, hour, reported_until)
SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) ORDER BY 1, 2
ON CONFLICT (reservation_id, hour) DO UPDATE
SET dirty = true, reported_until = greatest(market_meteredhour.reported_until, excluded.reported_until)
RETURNING reservation_id, hour, old.reported_until
"""
EARLIER = """
SELECT place, starts_at, ends_at, accelerators
FROM unnest(%s::int[], %s::uuid[], %s::timestamptz[]) AS bucket (place, reservation_id, hour)
JOIN market_usage AS usage ON usage.reservation_id = bucket.reservation_id
    AND usage.starts_at >= bucket.hour AND usage.starts_at < bucket.hour + interval '1 hour'
"""
KNOWN = """
SELECT event_id, batch_id, body_sha256 FROM market_usage WHERE provider_id = %s AND event_id = ANY(%s)
"""
COLUMNS = (
    "batch_id, provider_id, event_id, reservation_id, starts_at, ends_at, accelerators, accelerator_ms, body_sha256"
)
# PostgreSQL reads what it is told the columns are: the 16 bytes of a UUID travel as bytes, which is cheaper to write.
WIRE_TYPES = ["int8", "bytea", "text", "bytea", "timestamptz", "timestamptz", "int4", "int8", "bytea"]
WAITING_ROOM = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS usage_arriving ON COMMIT DELETE ROWS
AS SELECT {COLUMNS} FROM market_usage WITH NO DATA
"""  # noqa: S608 - constants only
COPY_IN = f"COPY usage_arriving ({COLUMNS}) FROM STDIN (FORMAT binary)"
# Waiting for another report of the same event happens in the order of the ids, so that two reports cannot deadlock.
MOVE_IN = f"INSERT INTO market_usage ({COLUMNS}) SELECT {COLUMNS} FROM usage_arriving ON CONFLICT DO NOTHING"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Known:
    """An event that is in the books under some id."""

    batch_id: int
    fingerprint: bytes


def claim(*, provider: Organization, idempotency_key: str) -> tuple[UsageBatch | None, int]:
    """Wait for the key, and return the batch that has used it, if any, and a number for a new one."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [str(provider.pk), idempotency_key])
        number = cursor.fetchone()[1]
    # Only now, under the lock, does a query see what the last holder has written.
    return UsageBatch.objects.filter(provider=provider, idempotency_key=idempotency_key).first(), number


def promises(*, provider: Organization, subjects: Iterable[str], at: datetime) -> dict[str, Promise]:
    """Return the provider's reservations that have started, by the subjects that name them or their orders."""
    named = {subject: key for subject in subjects if (key := _key(subject)) is not None}
    if not named:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(PROMISES, {"provider": provider.pk, "ids": list(set(named.values())), "at": at})
        rows = cursor.fetchall()
    lost = _cancelled_meanwhile([row[0] for row in rows if row[5] == ReservationStatus.HELD])
    known: dict[str, Promise] = {}
    for reservation_id, order_id, starts_at, ends_at, count, _status in rows:
        if reservation_id not in lost:
            promise = Promise(reservation_id, starts_at, ends_at, count)
            known[f"reservation/{reservation_id}"] = known[f"order/{order_id}"] = promise
    return {subject: known[name] for subject in named if (name := subject.lower()) in known}


def _cancelled_meanwhile(held: list[UUID]) -> set[UUID]:
    """Lock reservations that should have started and return those which a cancellation got hold of first."""
    if not held:
        return set()
    standing = Reservation.objects.filter(pk__in=held).exclude(status=ReservationStatus.RELEASED).locked()
    return set(held) - {reservation.pk for reservation in standing}


def _key(subject: str) -> UUID | None:
    kind, _slash, text = subject.partition("/")
    try:
        return UUID(text) if kind in {"reservation", "order"} else None
    except ValueError:
        return None


def lock_hours(buckets: Sequence[Bucket]) -> dict[tuple[UUID, datetime], datetime | None]:
    """Mark the hours for the meter, lock them, and return until when each was reported before: None if never."""
    if not buckets:
        return {}
    columns = [
        [bucket.promise.reservation_id for bucket in buckets],
        [bucket.hour for bucket in buckets],
        [bucket.ends_at for bucket in buckets],
    ]
    with connection.cursor() as cursor:
        cursor.execute(LOCK_HOURS, columns)
        return {(reservation_id, hour): until for reservation_id, hour, until in cursor.fetchall()}


def earlier(buckets: Sequence[Bucket]) -> list[list[Span]]:
    """Return, for each bucket, what was reported of its hour before."""
    spans: list[list[Span]] = [[] for _bucket in buckets]
    places = list(range(len(buckets)))
    hours = [bucket.hour for bucket in buckets]
    with connection.cursor() as cursor:
        cursor.execute(EARLIER, [places, [bucket.promise.reservation_id for bucket in buckets], hours])
        for place, starts_at, ends_at, accelerators in cursor.fetchall():
            spans[place].append(Span(starts_at, ends_at, accelerators))
    return spans


def known(*, provider: Organization, event_ids: Iterable[str]) -> dict[str, Known]:
    """Return the provider's events that are in the books, by their ids."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [provider.pk, list(event_ids)])
        return {event_id: Known(batch_id, bytes(digest)) for event_id, batch_id, digest in cursor.fetchall()}


def insert(*, batch_id: int, provider: Organization, arrivals: Sequence[Arrival]) -> bool:
    """Write the arrivals whose id is new; tell whether that was all of them."""
    with connection.cursor() as cursor:
        _open_waiting_room(cursor)
        _copy(cursor.cursor, batch_id, provider.pk.bytes, arrivals)
        cursor.execute(MOVE_IN)
        return bool(cursor.rowcount == len(arrivals))


def _open_waiting_room(cursor: CursorWrapper) -> None:
    """Create the connection's temporary table the first time that it is needed."""
    session = connection.connection
    if not getattr(session, "has_waiting_room", False):
        cursor.execute(WAITING_ROOM)
        # A transaction that is rolled back takes the table along.
        transaction.on_commit(partial(setattr, session, "has_waiting_room", True))


def _copy(cursor: Cursor[Any], batch_id: int, provider: bytes, arrivals: Sequence[Arrival]) -> None:
    with cursor.copy(COPY_IN) as copy:
        copy.set_types(WIRE_TYPES)
        for one in sorted(arrivals, key=lambda arrival: arrival.event.id):
            copy.write_row(
                (
                    batch_id,
                    provider,
                    one.event.id,
                    one.promise.reservation_id.bytes,
                    one.starts_at,
                    one.ends_at,
                    one.accelerators,
                    one.event.data.accelerator_ms,
                    one.fingerprint,
                )
            )
