"""What became of the events of a report: the answer that its sender gets, and what of it is kept.

An event that was taken is in the books under its report; only the others are noted beside the report. So a report that
is sent again gets the answer that it got, and an answer of a thousand events need not be kept to give it twice.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from market.models import UsageBatch
from market.services.usage_events import Event, Refused

ACCEPTED, DUPLICATE, CONFLICT, REJECTED = "accepted", "duplicate", "conflict", "rejected"


class Answer(Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of one event."""

    id: str
    status: str
    code: str = ""
    detail: str = ""


# The fate of each event that is not simply accepted, by its place in the batch.
Fates = dict[int, Answer]


class Reply(Struct, frozen=True):
    """What became of a batch; the results are in the order of its events."""

    batch: int
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    results: list[Answer]


def rejected(refusal: Refused) -> Answer:
    """Return the answer to an event that is refused."""
    return Answer(refusal.id, REJECTED, refusal.code, refusal.detail)


def reply(events: Sequence[Event | Refused], batch_id: int, fates: Fates) -> Reply:
    """Return the answer to a report."""
    results = [Answer(event.id, ACCEPTED) for event in events]
    for index, fate in fates.items():
        results[index] = fate
    counts = Counter(fate.status for fate in fates.values())
    return Reply(
        batch=batch_id,
        accepted=len(events) - len(fates),
        duplicates=counts[DUPLICATE],
        conflicts=counts[CONFLICT],
        rejected=counts[REJECTED],
        results=results,
    )


def noted(fates: Fates) -> dict[str, Any]:
    """Return fates as they are kept with a batch, by their places in it."""
    return dict(msgspec.to_builtins(fates, str_keys=True))


def fates_of(batch: UsageBatch) -> Fates:
    """Return the fates that were noted with a batch."""
    return msgspec.convert(batch.not_accepted, Fates, strict=False)
