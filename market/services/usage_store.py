"""Write usage in bulk: one lock per hour, one COPY, one INSERT, whatever the number of events."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from django.db import IntegrityError, connection
from django.db.models import Case, F, Value, When
from psycopg import Cursor
from psycopg.adapt import PyFormat
from psycopg.types.json import Jsonb

from accounts.models import Organization
from core.constraints import constraint_name
from market.models import EventKind, Handover, Reservation, ReservationStatus, ReturnedCards, UsageBatch
from market.models.reservation import OVER, WAITING
from market.services import histories, reservations
from market.services.histories import Step
from market.services.usage_rules import Arrival, Bucket, Promise, Span

# Waits for the key; what was written during the wait is seen by the next statement only.
CLAIM = """
SELECT pg_advisory_xact_lock(hashtextextended('usage/' || %(provider)s::text || '/' || %(key)s, 0)),
    nextval('market_usagebatch_id_seq'),
    (SELECT id FROM market_usagebatch WHERE provider_id = %(provider)s AND idempotency_key = %(key)s LIMIT 1)
"""
PROMISES = """
SELECT id, 'reservation/' || id,
    CASE count(*) OVER (PARTITION BY order_id) WHEN 1 THEN 'order/' || order_id ELSE 'reservation/' || id END,
    starts_at, coalesce(stopped_at, ends_at), count, status, given_back
FROM market_reservation
WHERE provider_id = %(provider)s AND (id = ANY(%(ids)s::uuid[]) OR order_id = ANY(%(ids)s::uuid[]))
    AND (status IN ('active', 'ended', 'interrupted') OR status IN ('held', 'provisioning') AND starts_at <= %(at)s)
"""
# Locks the hours for the rest of the transaction; gives back the places of those that hold usage which ends later than
# the new usage begins.
LOCK_HOURS = """
WITH bucket AS MATERIALIZED (
    SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY
        AS bucket (reservation_id, hour, starts_at, ends_at, place)
), locked AS (
    INSERT INTO market_meteredhour (reservation_id, hour, reported_until)
    SELECT reservation_id, hour, ends_at FROM bucket ORDER BY reservation_id, hour
    ON CONFLICT (reservation_id, hour) DO UPDATE
    SET dirty = true, reported_until = greatest(market_meteredhour.reported_until, excluded.reported_until)
    RETURNING reservation_id, hour, old.reported_until
)
SELECT bucket.place - 1 FROM locked JOIN bucket USING (reservation_id, hour)
WHERE locked.reported_until > bucket.starts_at
"""
EARLIER = """
SELECT bucket.place - 1, usage.starts_at, usage.ends_at, usage.accelerators
FROM unnest(%s::uuid[], %s::timestamptz[]) WITH ORDINALITY AS bucket (reservation_id, hour, place)
JOIN market_usage AS usage ON usage.reservation_id = bucket.reservation_id
    AND usage.starts_at >= bucket.hour AND usage.starts_at < bucket.hour + interval '1 hour'
"""
KNOWN = """
SELECT event_id, batch_id, body_sha256 FROM market_usage WHERE provider_id = %s AND event_id = ANY(%s)
"""
COLUMNS = (
    "batch_id, provider_id, event_id, reservation_id, starts_at, ends_at, accelerators, accelerator_ms, body_sha256"
)
# The 16 bytes of a UUID travel as bytes, which are written quicker.
WIRE_TYPES = ["int8", "bytea", "text", "bytea", "timestamptz", "timestamptz", "int4", "int8", "bytea"]
COPY_IN = f"COPY market_usage ({COLUMNS}) FROM STDIN (FORMAT binary)"
# A temporary table, made by a function of the owner: the application's role may not make any.
WAITING_ROOM = "SELECT market_open_waiting_room()"
COPY_WAITING = f"COPY usage_arriving ({COLUMNS}) FROM STDIN (FORMAT binary)"
MOVE_IN = f"INSERT INTO market_usage ({COLUMNS}) SELECT {COLUMNS} FROM usage_arriving ON CONFLICT DO NOTHING"  # noqa: S608


BATCH_COLUMNS = [field.attname for field in UsageBatch._meta.concrete_fields]
KEEP = f"""
INSERT INTO market_usagebatch ({", ".join(BATCH_COLUMNS)})
VALUES ({", ".join(["%s"] * len(BATCH_COLUMNS))}) RETURNING id
"""  # noqa: S608 - constants only


PREPARED_AFTER = 5  # runs
SUBJECT = re.compile(r"(?:reservation|order)/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII | re.IGNORECASE)


class SeenBefore(Exception):
    """A report or an event that was supposed to be new is in the books already."""


@dataclass(frozen=True, slots=True)
class Known:
    """An event that is in the books under some id."""

    batch_id: int
    fingerprint: bytes


def claim(*, provider: Organization, idempotency_key: str) -> tuple[UsageBatch | None, int]:
    """Wait for the key, and return the batch that has used it, if any is seen, and a number for a new one."""
    [(_lock, number, earlier)] = _ask(CLAIM, {"provider": provider.pk, "key": idempotency_key})
    return UsageBatch.objects.get(pk=earlier) if earlier else None, number


def promises(*, provider: Organization, subjects: Iterable[str], at: datetime) -> dict[str, Promise]:
    """Return the provider's reservations that have started, by the subjects that name them or their orders.

    An order that several of them serve names none: its usage is reported by reservation.
    """
    named = [match for subject in subjects if (match := SUBJECT.fullmatch(subject))]
    if not named:
        return {}
    rows = _ask(PROMISES, {"provider": provider.pk, "ids": _array([match[1] for match in named]), "at": at})
    lost = _stopped_meanwhile([row[0] for row in rows if row[6] in WAITING], at)
    returned = _returned([row[0] for row in rows if row[7]])
    known: dict[str, Promise] = {}
    for number, (reservation_id, subject, other_subject, starts_at, ends_at, count, *_rest) in enumerate(rows):
        if reservation_id not in lost:
            period = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
            fewer = tuple(returned.get(reservation_id, ()))
            promise = Promise(number, reservation_id, reservation_id.bytes, *period, count, fewer)
            known[subject] = known[other_subject] = promise
    return {match[0]: known[name] for match in named if (name := match[0].lower()) in known}


def _returned(reservation_ids: Sequence[UUID]) -> dict[UUID, list[tuple[datetime, int]]]:
    """Return which cards of some reservations were given back, and from when on."""
    found: dict[UUID, list[tuple[datetime, int]]] = {}
    if reservation_ids:
        rows = ReturnedCards.objects.filter(reservation__in=reservation_ids)
        for reservation_id, hour, cards in rows.values_list("reservation", "hour", "cards"):
            found.setdefault(reservation_id, []).append((hour, cards))
    return found


def _stopped_meanwhile(waiting: list[UUID], at: datetime) -> set[UUID]:
    """Start reservations whose time has come, usage is access, and return those that were stopped before."""
    if not waiting:
        return set()
    rows = Reservation.objects.filter(pk__in=waiting).exclude(status__in=OVER).locked().only("pk", "status")
    standing = [(reservation.pk, reservation.status) for reservation in rows]
    starting = [(pk, status) for pk, status in standing if status in WAITING]
    on_time = Case(When(handover=Handover.CLOCK, status=ReservationStatus.HELD, then=F("starts_at")), default=Value(at))
    reservations.begin(ids=[pk for pk, _status in starting], access_at=on_time)
    step = Step(EventKind.STARTED, at, ReservationStatus.ACTIVE, code="usage")
    histories.record_all(steps=starting, step=step)
    return set(waiting) - {pk for pk, _status in standing}


def lock_hours(buckets: Sequence[Bucket]) -> set[int]:
    """Mark the hours for the meter, lock them, and return the places of those where earlier usage may overlap."""
    if not buckets:
        return set()
    starts, ends = [bucket.starts_at for bucket in buckets], [bucket.ends_at for bucket in buckets]
    return {place for (place,) in _ask(LOCK_HOURS, [*_keys(buckets), _array(starts), _array(ends)])}


def earlier(buckets: Sequence[Bucket]) -> list[list[Span]]:
    """Return, for each bucket, what was reported of its hour before."""
    spans: list[list[Span]] = [[] for _bucket in buckets]
    for place, starts_at, ends_at, accelerators in _ask(EARLIER, _keys(buckets)):
        spans[place].append(Span(starts_at, ends_at, accelerators))
    return spans


def _keys(buckets: Sequence[Bucket]) -> list[str]:
    ids = [bucket.promise.reservation_id for bucket in buckets]
    return [_array(ids), _array([bucket.hour for bucket in buckets])]


def _array(values: Sequence[str | UUID | datetime]) -> str:
    """Return PostgreSQL's literal of an array of values without quotes: that of JSON with other brackets."""
    return "{" + msgspec.json.encode(values).decode()[1:-1] + "}"


def known(*, provider: Organization, event_ids: Iterable[str]) -> dict[str, Known]:
    """Return the provider's events that are in the books, by their ids."""
    rows = _ask(KNOWN, [provider.pk, list(event_ids)])
    return {event_id: Known(batch_id, digest) for event_id, batch_id, digest in rows}


@contextmanager
def inserting(*, batch_id: int, provider: Organization, arrivals: Sequence[Arrival]) -> Iterator[None]:
    """Copy arrivals whose ids are all new straight into the table, which goes on while the block runs.

    Here and in ``insert_new`` rows go by the order of their ids, so that two reports of the same events wait for each
    other in one direction only.

    :raises SeenBefore: if an id was used before, at the end of the block; the transaction is lost then.
    """
    with _new("usage_event_once"), _copying(COPY_IN, batch_id, provider, arrivals):
        yield


def insert_new(*, batch_id: int, provider: Organization, arrivals: Sequence[Arrival]) -> None:
    """Copy arrivals into a waiting room and let in those whose ids are new."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING_ROOM)
        with _copying(COPY_WAITING, batch_id, provider, arrivals):
            pass
        cursor.execute(MOVE_IN)


@contextmanager
def _copying(statement: str, batch_id: int, provider: Organization, arrivals: Sequence[Arrival]) -> Iterator[None]:
    """Send arrivals, and wait for PostgreSQL at the end of the block: it needs longer to write them than we to send."""
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        # Of the two dumpers for bytes, the one written in C.
        cursor.adapters.register_dumper(bytes, cursor.adapters.get_dumper(bytes, PyFormat.BINARY))
        with cursor.copy(statement) as copy:
            copy.set_types(WIRE_TYPES)
            for row in _rows(batch_id, provider.pk.bytes, arrivals):
                copy.write_row(row)
            yield


def _rows(batch_id: int, provider: bytes, arrivals: Sequence[Arrival]) -> Iterator[tuple[object, ...]]:
    """Return the rows of arrivals; the fingerprints of the last are taken while PostgreSQL is at work on the first."""
    for one in sorted(arrivals, key=attrgetter("event.id")):
        event = one.event
        yield (
            batch_id,
            provider,
            event.id,
            one.promise.wire_id,
            one.starts_at,
            one.ends_at,
            one.accelerators,
            event.data.accelerator_ms,
            event.fingerprint(),
        )


def keep(batch: UsageBatch) -> None:
    """Write a batch.

    :raises SeenBefore: if its key was used before; the transaction is lost then.
    """
    with _new("usage_batch_once"):
        _ask(KEEP, [_adapted(getattr(batch, column)) for column in BATCH_COLUMNS])


def _adapted(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict) else value


@contextmanager
def _new(constraint: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if constraint_name(error) != constraint:
            raise
        raise SeenBefore from error


def _ask(statement: str, parameters: Any) -> list[Any]:
    """Run a statement with parameters that travel beside it, in binary, and return its rows.

    A connection that takes many reports has PostgreSQL plan these statements once.
    """
    session = connection.connection
    session.prepare_threshold = PREPARED_AFTER
    with connection.wrap_database_errors, Cursor(session) as cursor:
        cursor.execute(statement, parameters, binary=True)
        return cursor.fetchall()
