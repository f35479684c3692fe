"""A buyer's side of a request for quotations: publish, answer, cancel, decline; and the opening of the bids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import SYSTEM, Actor
from core.errors import Conflict, DomainError, Forbidden, NotFound
from core.periods import HOUR, hour_of
from market.models import Accelerator, Bid, Rfq, RfqQuestion, RfqStatus, SealedBid, Unreadability, UnreadableBid
from market.services import unsealing
from market.services.orders import HORIZON, hour_from

SHORTEST = timedelta(hours=1)
KEY_IS_SOUGHT = timedelta(hours=24)
"""How long a request waits whose bids all seem sealed with another key: that one is missing, rather than the bids."""


class BadRfq(DomainError):
    """The request asks for nothing, or its times make no sense."""

    code = "bad-rfq"


class NotABuyer(Forbidden):
    """Only buyers ask for quotations."""

    code = "not-a-buyer"


class BiddingOver(Conflict):
    """The time for bids and questions is over."""

    code = "bidding-over"


class KeyMissingError(Exception):
    """No bid of a request opens with the key: a person has to look, the sweep tries again."""


class AlreadyAnswered(Conflict):
    """The question has its answer."""

    code = "already-answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a buyer asks for; without ``invited`` every provider may bid."""

    title: str
    category: str
    count: int
    hours: int
    start_min: datetime
    start_max: datetime
    bids_until: datetime
    accelerators: tuple[Accelerator, ...] = ()
    requirement: str = ""
    budget_fen: int | None = None
    invited: tuple[Organization, ...] = ()


@transaction.atomic
def publish(*, buyer: Organization, wanted: Wanted, actor: Actor, at: datetime) -> Rfq:
    """Ask for quotations until a time; the start window shrinks to full hours.

    :raises NotABuyer: if the organisation does not buy.
    :raises BadRfq: if nothing is asked for, or the times make no sense.
    """
    if buyer.kind != OrganizationKind.BUYER:
        raise NotABuyer(_("Only a buyer can ask for quotations."))
    _check(wanted, at=at)
    rfq = Rfq.objects.create(
        status=RfqStatus.OPEN,
        buyer=buyer,
        title=wanted.title,
        requirement=wanted.requirement,
        category=wanted.category,
        count=wanted.count,
        hours=wanted.hours,
        start_min=hour_from(wanted.start_min),
        start_max=hour_of(wanted.start_max),
        budget_fen=wanted.budget_fen,
        open_to_all=not wanted.invited,
        published_at=at,
        bids_until=wanted.bids_until,
    )
    rfq.accelerators.set(wanted.accelerators)
    rfq.invited.set(wanted.invited)
    audit.record(actor=actor, verb="rfq.published", thing=rfq, at=at)
    return rfq


@transaction.atomic
def cancel(*, rfq: Rfq, reason: str, actor: Actor, at: datetime) -> Rfq:
    """Cancel a request while bids are still sealed; nobody will ever read them.

    :raises IllegalMove: if the bids are open or the request is over.
    """
    return _close(rfq, RfqStatus.CANCELLED, "rfq.cancelled", reason, actor=actor, at=at)


@transaction.atomic
def decline(*, rfq: Rfq, reason: str, actor: Actor, at: datetime) -> Rfq:
    """Award nothing, and say why.

    :raises BadRfq: without a reason.
    :raises IllegalMove: if the bids are not open, or the request is over.
    """
    if not reason.strip():
        raise BadRfq(_("Say why nothing is awarded."), fields={"reason": _("Bidders will read it.")})
    return _close(rfq, RfqStatus.DECLINED, "rfq.declined", reason, actor=actor, at=at)


@transaction.atomic
def ask(*, rfq: Rfq, asker: Organization, text: str, actor: Actor, at: datetime) -> RfqQuestion:
    """Ask the buyer something; all bidders see it, without a name.

    :raises NotFound: if the provider was not invited.
    :raises BiddingOver: if the time is over.
    """
    rfq = in_time(rfq, asker, at=at)
    question = RfqQuestion.objects.create(rfq=rfq, asker=asker, text=text, asked_at=at)
    audit.record(actor=actor, verb="rfq.question-asked", thing=question, at=at)
    return question


@transaction.atomic
def answer(*, question: RfqQuestion, text: str, actor: Actor, at: datetime) -> RfqQuestion:
    """Answer a question once, for all bidders.

    :raises AlreadyAnswered: if it was answered.
    :raises BiddingOver: if the time is over.
    """
    rfq = Rfq.objects.locked().get(pk=question.rfq_id)
    if rfq.status != RfqStatus.OPEN or rfq.bids_until <= at:
        raise BiddingOver(_("The time for bids and questions is over."))
    if not RfqQuestion.objects.filter(pk=question.pk, answer="").update(answer=text, answered_at=at):
        raise AlreadyAnswered(_("This question has been answered."))
    question.refresh_from_db()
    audit.record(actor=actor, verb="rfq.question-answered", thing=question, at=at)
    return question


def in_time(rfq: Rfq, provider: Organization, *, at: datetime) -> Rfq:
    """Return a request locked against its opening, while a provider may still bid.

    :raises NotFound: if the provider may not see it.
    :raises BiddingOver: if the time is over.
    """
    found = Rfq.objects.for_provider(provider).locked().filter(pk=rfq.pk).first()
    if found is None:
        raise NotFound(_("There is no such request."))
    if found.status != RfqStatus.OPEN or found.bids_until <= at:
        raise BiddingOver(_("The time for bids and questions is over."))
    return found


def due(*, at: datetime) -> list[UUID]:
    """Return the requests whose bids are to be opened."""
    return list(Rfq.objects.due_to_open(at).order_by("bids_until").values_list("pk", flat=True))


@transaction.atomic
def open_bids(*, rfq_id: UUID, at: datetime) -> None:
    """Open all bids of a request at once, and publish their commitments; a request opened before is left alone.

    An envelope that cannot be read is set aside with the reason and holds up no other. Without a bid the request ends
    without an award.

    :raises KeyMissingError: if none opens, and the key may still be put right.
    """
    rfq = Rfq.objects.locked().filter(pk=rfq_id).first()
    if rfq is None or rfq.status != RfqStatus.OPEN or rfq.bids_until > at:
        return
    envelopes = list(last_envelopes(rfq))
    bids, unreadable = unsealing.read(envelopes)
    if not bids and Unreadability.CIPHER in unreadable.values() and at < rfq.bids_until + KEY_IS_SOUGHT:
        raise KeyMissingError(f"none of {len(envelopes)} bids of request {rfq.pk} opens with BIDS_KEY")
    Bid.objects.bulk_create(bids)
    _set_aside(unreadable, at=at)
    hashes = sorted(envelope.sha256 for envelope in envelopes)
    rfq.move_to(RfqStatus.OPENED, opened_at=at, bid_hashes=hashes)
    if not bids:
        rfq.move_to(RfqStatus.DECLINED, closed_at=at)
    audit.record(actor=SYSTEM, verb="rfq.opened", thing=rfq, at=at, after={"bid_hashes": hashes})


def last_envelopes(rfq: Rfq) -> Iterable[SealedBid]:
    """Return the last envelope of each provider, without those who withdrew."""
    rows = SealedBid.objects.filter(rfq=rfq).order_by("provider_id", "-version").distinct("provider_id")
    return [envelope for envelope in rows if envelope.sealed]


def _set_aside(unreadable: Mapping[SealedBid, Unreadability], *, at: datetime) -> None:
    for envelope, why in unreadable.items():
        UnreadableBid.objects.create(envelope=envelope, why=why, found_at=at)
        audit.record(actor=SYSTEM, verb="bid.unreadable", thing=envelope, at=at, after={"why": why.value})


def _close(rfq: Rfq, target: RfqStatus, verb: str, reason: str, *, actor: Actor, at: datetime) -> Rfq:
    rfq = Rfq.objects.locked().get(pk=rfq.pk)
    before = {"status": rfq.status}
    rfq.move_to(target, closed_at=at, reason=reason.strip())
    audit.record(actor=actor, verb=verb, thing=rfq, at=at, before=before, after={"reason": reason})
    return rfq


def _check(wanted: Wanted, *, at: datetime) -> None:
    wrong = {name: _("At least 1.") for name in ("count", "hours") if getattr(wanted, name) < 1}
    if not wanted.accelerators and not wanted.requirement.strip():
        wrong["requirement"] = _("Name card models, or say what is required.")
    if wanted.bids_until < at + SHORTEST:
        wrong["bids_until"] = _("Leave providers an hour at least.")
    first, last = hour_from(wanted.start_min), hour_of(wanted.start_max)
    if first > last or last <= wanted.bids_until:
        wrong["start_max"] = _("Not after the bids are opened and the earliest start.")
    if wanted.hours > HORIZON // HOUR or last > at + HORIZON - wanted.hours * HOUR:
        wrong.setdefault("start_max", _("Beyond the horizon of the market."))
    if wrong:
        raise BadRfq(_("The request makes no sense."), fields=wrong)
