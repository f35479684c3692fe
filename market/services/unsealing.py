"""Read the envelopes of a request at their time. One that cannot be read is set aside, and says why."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.exceptions import ValidationError

from market import sealing
from market.models import Bid, SealedBid, Unreadability


class UnreadableError(Exception):
    """An envelope makes no bid."""

    def __init__(self, why: Unreadability) -> None:
        super().__init__(why.value)
        self.why = why


def read(envelopes: Iterable[SealedBid]) -> tuple[list[Bid], dict[SealedBid, Unreadability]]:
    """Return the bids that envelopes hold, not saved, and for each of the others why it makes none."""
    bids, unreadable = [], {}
    for envelope in envelopes:
        try:
            bids.append(_bid(envelope))
        except UnreadableError as error:
            unreadable[envelope] = error.why
    return bids, unreadable


def terms_in(envelope: SealedBid) -> dict[str, Any]:
    """Return the terms in an envelope, its salt among them.

    :raises UnreadableError: if it does not open, or they are not what was committed to.
    """
    try:
        terms = sealing.unseal(bytes(envelope.sealed), key=settings.BIDS_KEY)
    except InvalidToken as error:
        raise UnreadableError(Unreadability.CIPHER) from error
    except ValueError as error:
        raise UnreadableError(Unreadability.TERMS) from error
    if not sealing.keeps(terms, envelope.sha256):
        raise UnreadableError(Unreadability.COMMITMENT)
    return terms


def _bid(envelope: SealedBid) -> Bid:
    """Return what an envelope holds.

    The offering is looked up with its provider's: who copies a rival's envelope under his own name has sealed nothing.

    :raises UnreadableError: if it holds no bid of its provider.
    """
    terms = terms_in(envelope)
    try:
        bid = Bid(
            envelope=envelope,
            rfq_id=envelope.rfq_id,
            provider_id=envelope.provider_id,
            offering_id=terms["offering"],
            price_micro=terms["price_micro"],
            count=terms["count"],
            starts_at=datetime.fromisoformat(terms["starts_at"]),
            valid_until=datetime.fromisoformat(terms["valid_until"]),
            note=terms["note"],
            salt=terms[sealing.SALT],
        )
        bid.full_clean()
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise UnreadableError(Unreadability.TERMS) from error
    if bid.offering.provider_id != envelope.provider_id:
        raise UnreadableError(Unreadability.TERMS)
    return bid
