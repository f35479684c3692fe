"""A provider's side of a request for quotations: bid, bid again, withdraw. What is inside stays sealed until the time.

This is the one place that seals; ``unsealing.read`` and ``own`` are the only ones that unseal.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, NotFound
from core.periods import HOUR, hour_of
from market import sealing
from market.models import Offering, OfferingStatus, Rfq, SealedBid, UnreadableBid
from market.services import rfqs, unsealing, vetting
from market.services.rfqs import BiddingOver
from market.services.unsealing import UnreadableError

WITHDRAWN = "0" * 64
"""The commitment to nothing."""
WRONG = {
    "offering": gettext_lazy("Not an offering of yours that fits the models, the kind of work and the hours."),
    "price_micro": gettext_lazy("This is not a price."),
    "count": gettext_lazy("More than the request, or the offering, has; or none."),
    "starts_at": gettext_lazy("Not a full hour within the start window."),
    "valid_until": gettext_lazy("The bid must be valid beyond the opening."),
}


class BadBid(DomainError):
    """The bid does not fit the request, or the offering."""

    code = "bad-bid"


class Unreadable(Conflict):
    """A bid was sealed with another key."""

    code = "bid-unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a provider bids: cards of one of its offerings, which need not be on sale, at a price per card-hour."""

    offering: Offering
    price_micro: int
    count: int
    starts_at: datetime
    valid_until: datetime
    note: str = ""


@transaction.atomic
def submit(*, rfq: Rfq, provider: Organization, terms: Terms, actor: Actor, at: datetime) -> SealedBid:
    """Seal a bid; it replaces the provider's earlier one.

    :raises NotFound: if the provider may not bid.
    :raises ProviderNotVerified: if it is not verified, or no longer.
    :raises BiddingOver: if the time is over.
    :raises BadBid: if it does not fit the request or the offering.
    """
    rfq = rfqs.in_time(rfq, provider, at=at)
    vetting.require_verified(provider.pk)
    _check(rfq, provider, terms)
    sealed = sealing.seal(_written(terms), key=settings.BIDS_KEY)
    return _append(rfq, provider, sealed.ciphertext, sealed.sha256, verb="bid.sealed", actor=actor, at=at)


@transaction.atomic
def withdraw(*, rfq: Rfq, provider: Organization, actor: Actor, at: datetime) -> SealedBid:
    """Take a bid back; it will not be opened.

    :raises NotFound: if there is none.
    :raises BiddingOver: if the time is over.
    """
    rfq = rfqs.in_time(rfq, provider, at=at)
    last = own_envelope(rfq, provider)
    if last is None or not last.sealed:
        raise NotFound(_("There is no bid of yours."))
    return _append(rfq, provider, b"", WITHDRAWN, verb="bid.withdrawn", actor=actor, at=at)


def own_envelope(rfq: Rfq, provider: Organization) -> SealedBid | None:
    """Return the last envelope of a provider."""
    return SealedBid.objects.filter(rfq=rfq, provider=provider).order_by("-version").first()


def own(rfq: Rfq, provider: Organization) -> dict[str, Any] | None:
    """Let a provider read what it has bid itself.

    :raises Unreadable: if it was sealed with a key that is no longer in use, or was set aside at the opening.
    """
    envelope = own_envelope(rfq, provider)
    if envelope is None or not envelope.sealed:
        return None
    if UnreadableBid.objects.filter(envelope=envelope).exists():
        raise Unreadable(_("The bid could not be read when all were opened."))
    try:
        return unsealing.terms_in(envelope)
    except UnreadableError as error:
        raise Unreadable(_("The bid cannot be read: its key has changed.")) from error


def _written(terms: Terms) -> dict[str, Any]:
    return {
        "offering": str(terms.offering.pk),
        "price_micro": terms.price_micro,
        "count": terms.count,
        "starts_at": hour_of(terms.starts_at).isoformat(),
        "valid_until": terms.valid_until.isoformat(),
        "note": terms.note,
    }


def _append(
    rfq: Rfq, provider: Organization, sealed: bytes, sha256: str, *, verb: str, actor: Actor, at: datetime
) -> SealedBid:
    last = own_envelope(rfq, provider)
    version = last.version + 1 if last else 1
    late = BiddingOver(_("The time for bids and questions is over."))
    with refusing(sealed_bid_in_time=late):
        envelope = SealedBid.objects.create(
            rfq=rfq, provider=provider, version=version, sealed=sealed, sha256=sha256, submitted_at=at
        )
    audit.record(actor=actor, verb=verb, thing=envelope, at=at, after={"version": version, "sha256": sha256})
    return envelope


def _check(rfq: Rfq, provider: Organization, terms: Terms) -> None:
    offering = terms.offering
    accepted = set(rfq.accelerators.values_list("pk", flat=True))
    ends_at = terms.starts_at + rfq.hours * HOUR
    right = {
        "offering": offering.provider_id == provider.pk
        and offering.status != OfferingStatus.ARCHIVED
        and offering.category == rfq.category
        and (not accepted or offering.accelerator_id in accepted)
        and offering.is_open(terms.starts_at, ends_at),
        "price_micro": terms.price_micro > 0,
        "count": 1 <= terms.count <= min(rfq.count, offering.count),
        "starts_at": terms.starts_at == hour_of(terms.starts_at) and rfq.start_min <= terms.starts_at <= rfq.start_max,
        "valid_until": rfq.bids_until < terms.valid_until,
    }
    wrong = {name: str(WRONG[name]) for name, fits in right.items() if not fits}
    if wrong:
        raise BadBid(_("The bid does not fit the request."), fields=wrong)
