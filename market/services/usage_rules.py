"""Judge usage events against the reservations they name: pure rules, quick because every event passes here."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _
from msgspec import Struct

from core.periods import hour_of
from market.services.usage_events import Event, Refused

HOUR = timedelta(hours=1)
LAST_HOUR = hour_of(datetime.max.replace(tzinfo=UTC))


class Promise(Struct, frozen=True, gc=False):
    """What a provider may report on: ``count`` cards of a reservation over [starts_at, ends_at).

    ``number`` tells the promises of one report apart, quicker than their ids do; ``wire_id`` is the id as it is sent to
    the database.
    """

    number: int
    reservation_id: UUID
    wire_id: bytes
    starts_at: datetime
    ends_at: datetime
    count: int
    returned: tuple[tuple[datetime, int], ...] = ()

    def cards(self, hour: datetime) -> int:
        """Return how many cards are held in an hour: what was given back from an hour on counts no more."""
        return self.count - sum(cards for since, cards in self.returned if since <= hour)


class Arrival(Struct, frozen=True, gc=False):
    """An event that kept every rule that can be judged by itself; ``index`` is its place in the batch."""

    index: int
    event: Event
    promise: Promise
    hour: datetime
    starts_at: datetime
    ends_at: datetime
    accelerators: int


class Bucket(Struct):
    """The arrivals of one reservation in one clock hour.

    ``in_turn`` holds while each begins no earlier than all before it have ended; then they cannot overlap.
    """

    promise: Promise
    hour: datetime
    starts_at: datetime
    ends_at: datetime
    arrivals: list[Arrival]
    in_turn: bool = True

    def add(self, arrival: Arrival) -> None:
        """Take one more arrival."""
        self.arrivals.append(arrival)
        if arrival.starts_at >= self.ends_at:
            self.ends_at = arrival.ends_at
            return
        self.in_turn = False
        self.starts_at = min(self.starts_at, arrival.starts_at)
        self.ends_at = max(self.ends_at, arrival.ends_at)


class Span(Struct, frozen=True, gc=False):
    """Cards in use over an interval that was reported before."""

    starts_at: datetime
    ends_at: datetime
    accelerators: int


def judge(
    events: Sequence[Event | Refused], promises: dict[str, Promise], *, earliest: datetime, latest: datetime
) -> tuple[list[Arrival], dict[int, Refused]]:
    """Return the events that keep the rules, and the refusals by their place in the batch."""
    arrivals: list[Arrival] = []
    refused: dict[int, Refused] = {}
    hour = next_hour = LAST_HOUR
    for index, event in enumerate(events):
        if type(event) is Refused:  # isinstance takes seven times as long for a struct
            refused[index] = event
            continue
        span, promise = event.data, promises.get(event.subject)
        starts_at = span.start if span.start.tzinfo is UTC else _utc(span.start)
        ends_at = span.end if span.end.tzinfo is UTC else _utc(span.end)
        if not hour <= starts_at < next_hour:
            hour, next_hour = _clock_hour(starts_at)
        if promise is not None and (
            earliest <= starts_at >= promise.starts_at
            and latest >= ends_at <= promise.ends_at
            and starts_at < ends_at <= next_hour
            and span.accelerators <= (promise.cards(starts_at) if promise.returned else promise.count)
            and ((length := ends_at - starts_at).seconds * 1_000_000 + length.microseconds) * span.accelerators
            == span.accelerator_ms * 1_000
        ):
            arrivals.append(Arrival(index, event, promise, hour, starts_at, ends_at, span.accelerators))
        else:
            refused[index] = _refusal(event, promise, earliest=earliest, latest=latest)
    return arrivals, refused


def _clock_hour(instant: datetime) -> tuple[datetime, datetime]:
    """Return the clock hour of an instant and the next one; the last hour of the calendar counts as empty."""
    hour = hour_of(instant)
    return hour, hour + HOUR if hour < LAST_HOUR else hour


def by_hour(arrivals: Iterable[Arrival]) -> list[Bucket]:
    """Return the arrivals by reservation and clock hour."""
    buckets: dict[tuple[int, datetime], Bucket] = {}
    bucket = None
    for arrival in arrivals:
        if bucket is None or arrival.hour is not bucket.hour or arrival.promise is not bucket.promise:
            bucket = buckets.get((arrival.promise.number, arrival.hour))
        if bucket is None:
            bucket = Bucket(arrival.promise, arrival.hour, arrival.starts_at, arrival.ends_at, [arrival])
            buckets[arrival.promise.number, arrival.hour] = bucket
        else:
            bucket.add(arrival)
    return list(buckets.values())


def excess(arrivals: Sequence[Arrival], earlier: Sequence[Span], *, count: int) -> list[Arrival]:
    """Return the arrivals that, taken in turn, would put more than ``count`` cards to use at some instant."""
    if peak([*earlier, *arrivals]) <= count:
        return []
    taken: list[Span | Arrival] = list(earlier)
    over: list[Arrival] = []
    for arrival in arrivals:
        beside = [one for one in taken if one.starts_at < arrival.ends_at and arrival.starts_at < one.ends_at]
        if peak([*beside, arrival]) > count:
            over.append(arrival)
        else:
            taken.append(arrival)
    return over


def peak(spans: Iterable[Span | Arrival]) -> int:
    """Return the most cards that are in use at one instant; an interval that ends makes room for one that begins."""
    steps = sorted(
        step for one in spans for step in ((one.starts_at, one.accelerators), (one.ends_at, -one.accelerators))
    )
    most = used = 0
    for _instant, change in steps:
        used += change
        most = max(most, used)
    return most


def over_capacity(arrival: Arrival) -> Refused:
    """Return the refusal of an event that overlaps others beyond the reserved cards."""
    return _over_capacity(arrival.event, arrival.promise)


def _utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:  # the first or last day of the calendar: refused with or without its offset
        return instant.replace(tzinfo=UTC)


def _refusal(event: Event, promise: Promise | None, *, earliest: datetime, latest: datetime) -> Refused:
    """Say which rule an event breaks, the most telling first."""
    if promise is None:
        return Refused(event.id, "unknown-reservation", _("You have no such reservation that has started."))
    starts_at, ends_at = _utc(event.data.start), _utc(event.data.end)
    if ends_at <= starts_at:
        return Refused(event.id, "empty-interval", _("The interval ends before it begins."))
    return _misplaced(event, promise, starts_at, ends_at, earliest=earliest, latest=latest) or _misfit(
        event, promise, starts_at, ends_at
    )


def _misplaced(
    event: Event, promise: Promise, starts_at: datetime, ends_at: datetime, *, earliest: datetime, latest: datetime
) -> Refused | None:
    if ends_at > latest:
        return Refused(event.id, "in-the-future", _("The interval ends in the future."))
    if starts_at < earliest:
        return Refused(event.id, "too-late", _("The interval began too long ago to be reported."))
    if starts_at < promise.starts_at or ends_at > promise.ends_at:
        return Refused(event.id, "outside-reservation", _("The interval lies outside the reservation."))
    return None


def _misfit(event: Event, promise: Promise, starts_at: datetime, ends_at: datetime) -> Refused:
    if hour_of(starts_at) != hour_of(ends_at - timedelta(microseconds=1)):
        return Refused(event.id, "crosses-hour", _("The interval crosses a full hour; split it there."))
    if event.data.accelerators > promise.cards(starts_at):
        return _over_capacity(event, promise)
    return Refused(event.id, "wrong-amount", _("accelerator_ms is not accelerators times milliseconds."))


def _over_capacity(event: Event, promise: Promise) -> Refused:
    words = {"count": promise.cards(_utc(event.data.start))}
    text = _("More than the %(count)d reserved cards would be in use at once.") % words
    return Refused(event.id, "over-capacity", text)
