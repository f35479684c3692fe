"""Decide what becomes of each event of a report: lock its hours, look at what they hold, write what is new."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from operator import attrgetter

import msgspec
from django.conf import settings

from accounts.models import Organization
from market.models import UsageConflict
from market.services import usage_answers, usage_rules, usage_store
from market.services.usage_answers import CONFLICT, DUPLICATE, Answer, Fates
from market.services.usage_events import Event, Refused
from market.services.usage_rules import Arrival

CLOCK_TOLERANCE = timedelta(seconds=120)


@contextmanager
def taking(
    *, events: Sequence[Event | Refused], provider: Organization, batch_id: int, at: datetime, all_new: bool
) -> Iterator[Fates]:
    """Write the events that are new and keep the rules; the block gets the fates of all others.

    ``all_new`` supposes that no id was used before. PostgreSQL is then still writing while the block runs, which must
    leave the connection alone.

    The hours are locked before anyone looks at them and the events are written last: two reports about an hour cannot
    together exceed what was reserved, and two reports of the same events cannot wait for each other.

    :raises SeenBefore: if ``all_new`` is not so, at the end of the block.
    """
    arrivals, fates = _judged(events, provider, at)
    firsts = _firsts(arrivals)
    _refuse_excess(firsts, provider, fates)
    new = [arrival for arrival in firsts if arrival.index not in fates] if fates else firsts
    if not all_new:
        _insert_new(new, provider, batch_id, fates)
    if len(firsts) < len(arrivals):
        _answer_repeats(arrivals, firsts, fates)
    _freeze_conflicts(events, provider, batch_id, fates)
    writing = usage_store.inserting(batch_id=batch_id, provider=provider, arrivals=new) if all_new else nullcontext()
    with writing:
        yield fates


def _judged(events: Sequence[Event | Refused], provider: Organization, at: datetime) -> tuple[list[Arrival], Fates]:
    subjects = {event.subject for event in events if isinstance(event, Event)}
    promises = usage_store.promises(provider=provider, subjects=subjects, at=at)
    earliest = at - timedelta(days=settings.LATE_USAGE_DAYS)
    arrivals, refused = usage_rules.judge(events, promises, earliest=earliest, latest=at + CLOCK_TOLERANCE)
    return arrivals, {index: usage_answers.rejected(refusal) for index, refusal in refused.items()}


def _firsts(arrivals: list[Arrival]) -> list[Arrival]:
    """Return the first arrival under each id."""
    if len({arrival.event.id for arrival in arrivals}) == len(arrivals):
        return arrivals
    firsts = {arrival.event.id: arrival for arrival in reversed(arrivals)}
    return sorted(firsts.values(), key=attrgetter("index"))


def _refuse_excess(arrivals: Sequence[Arrival], provider: Organization, fates: Fates) -> None:
    """Lock the hours of the arrivals and refuse those that would use more cards than are reserved.

    Where the events come in turn, after all that were reported before, nothing overlaps and nothing need be looked at.
    """
    buckets = usage_rules.by_hour(arrivals)
    reported_later = usage_store.lock_hours(buckets)
    doubtful = [one for place, one in enumerate(buckets) if place in reported_later or not one.in_turn]
    if not doubtful:
        return
    ids = [arrival.event.id for bucket in doubtful for arrival in bucket.arrivals]
    known = usage_store.known(provider=provider, event_ids=ids)
    for bucket, earlier in zip(doubtful, usage_store.earlier(doubtful), strict=True):
        new = [arrival for arrival in bucket.arrivals if arrival.event.id not in known]
        for arrival in usage_rules.excess(new, earlier, count=bucket.promise.cards(bucket.hour)):
            fates[arrival.index] = usage_answers.rejected(usage_rules.over_capacity(arrival))


def _insert_new(arrivals: Sequence[Arrival], provider: Organization, batch_id: int, fates: Fates) -> None:
    usage_store.insert_new(batch_id=batch_id, provider=provider, arrivals=arrivals)
    known = usage_store.known(provider=provider, event_ids=[arrival.event.id for arrival in arrivals])
    for arrival in arrivals:
        book = known[arrival.event.id]
        if book.batch_id != batch_id:
            same = book.fingerprint == arrival.event.fingerprint()
            fates[arrival.index] = Answer(arrival.event.id, DUPLICATE if same else CONFLICT)


def _answer_repeats(arrivals: Sequence[Arrival], firsts: Sequence[Arrival], fates: Fates) -> None:
    """Answer for the events whose id came earlier in the same batch: such an event is never written."""
    first_of = {arrival.event.id: arrival for arrival in firsts}
    for arrival in arrivals:
        first = first_of[arrival.event.id]
        if first is arrival:
            continue
        fate = fates.get(first.index)
        if first.event.fingerprint() != arrival.event.fingerprint():
            fates[arrival.index] = Answer(arrival.event.id, CONFLICT)
        else:
            fates[arrival.index] = fate or Answer(arrival.event.id, DUPLICATE)


def _freeze_conflicts(events: Sequence[Event | Refused], provider: Organization, batch_id: int, fates: Fates) -> None:
    """Keep what was sent under an id that says something else already, for people to look at."""
    UsageConflict.objects.bulk_create(
        UsageConflict(batch_id=batch_id, provider=provider, event_id=fate.id, event=msgspec.to_builtins(events[index]))
        for index, fate in fates.items()
        if fate.status == CONFLICT
    )
