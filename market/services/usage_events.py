"""Read a usage report: a CloudEvents batch, decoded in one go, or event by event where one of them is not valid."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal, final

import msgspec
from django.utils.translation import gettext as _
from msgspec import Meta, Struct

from core.errors import DomainError

MOST_EVENTS = 1_000
MOST_CARDS = 100_000

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Instant = Annotated[datetime, Meta(tz=True)]


class MalformedJson(DomainError):
    """The body is not JSON, or not one that a database can keep."""

    code = "malformed-json"
    status = 400


class NotABatch(DomainError):
    """The body is JSON, but not an array of events."""

    code = "not-a-batch"


class TooManyEvents(DomainError):
    """The batch is longer than allowed."""

    code = "too-many-events"
    status = 413


class Job(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The job that used the cards, as the provider's scheduler names it."""

    id: Name
    attempt: str = ""


class Interval(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What was used: ``accelerators`` cards over [start, end)."""

    start: Instant
    end: Instant
    resource_class: Name
    accelerators: Annotated[int, Meta(ge=1, le=MOST_CARDS)]
    accelerator_ms: Annotated[int, Meta(ge=1, le=MOST_CARDS * 3_600_000)]
    job: Job | None = None
    devices: tuple[str, ...] = ()
    final: bool = False
    evidence: dict[str, str | int | float | bool | None] | None = None


class Event(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A CloudEvent about one interval of one reservation."""

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(min_length=1, max_length=120)]
    source: Name
    type: Literal["compute.usage.interval.v1"]
    subject: Name
    data: Interval
    time: Instant | None = None
    datacontenttype: Literal["application/json"] = "application/json"

    def fingerprint(self) -> bytes:
        """Return a digest of what the event says; when it was written is not part of that."""
        return hashlib.sha256(_encode((self.source, self.subject, self.data))).digest()


@final
class Refused(Struct, frozen=True, gc=False):
    """An event that is not taken, and why."""

    id: str
    code: str
    detail: str


class Named(Struct, gc=False):
    """What can be read of an event that is not valid."""

    id: str = ""


_encode = msgspec.msgpack.Encoder().encode
_BATCH = msgspec.json.Decoder(list[Event])
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_EVENT = msgspec.json.Decoder(Event)
_NAMED = msgspec.json.Decoder(Named)


def decode(body: bytes) -> list[Event | Refused]:
    """Return the events of a batch in their order, refused where they are not valid.

    :raises MalformedJson: if the body is not JSON.
    :raises NotABatch: if it is not an array of at least one event.
    :raises TooManyEvents: if it has more than a thousand.
    """
    if b"\\" in body and rb"\u0000" in body:  # the first question is much quicker, and almost always enough
        raise MalformedJson(_("Texts must not hold the character U+0000."))
    try:
        events = _events(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedJson(_("The body is not JSON: %(reason)s.") % {"reason": error}) from error
    if not events:
        raise NotABatch(_("Send a JSON array of at least one event."))
    if len(events) > MOST_EVENTS:
        raise TooManyEvents(_("Send at most %(most)d events at a time.") % {"most": MOST_EVENTS})
    return events


def _events(body: bytes) -> list[Event | Refused]:
    try:
        return list(_BATCH.decode(body))
    except msgspec.ValidationError:
        return list(_one_by_one(body))


def _one_by_one(body: bytes) -> Iterator[Event | Refused]:
    try:
        parts = _PARTS.decode(body)
    except msgspec.ValidationError as error:
        raise NotABatch(_("Send a JSON array of at least one event.")) from error
    for part in parts:
        try:
            yield _EVENT.decode(part)
        except msgspec.ValidationError as error:
            yield Refused(_name(part), "invalid-event", str(error))


def _name(part: msgspec.Raw) -> str:
    try:
        return _NAMED.decode(part).id
    except msgspec.ValidationError:
        return ""
