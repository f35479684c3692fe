"""File list prices of card-hours: one person enters what a provider files, another approves it or turns it down.

As with a listing itself, who enters it may be the provider; an officer who lists providers decides.
"""

from contextlib import AbstractContextManager
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from core.periods import date_of
from vouchers.models import FilingStatus, ListingStatus, PriceFiling, ProviderListing
from vouchers.services import people, registry

MOST_MICRO = 10**12
OVER = (ListingStatus.REJECTED, ListingStatus.DELISTED, ListingStatus.EXPIRED)


class BadPrice(DomainError):
    """A price is above nothing, and in force from a day that is not over, while its listing lasts."""

    code = "bad-filed-price"


class FiledAlready(Conflict):
    """Another price of the listing waits for its decision, or is in force from the same day."""

    code = "price-filed-already"


class ListingOver(Conflict):
    """The listing is over: nothing is filed for it."""

    code = "listing-over"


class AboveReference(Conflict):
    """The price is further above the median of what others filed for the item than the programme lets it be."""

    code = "price-above-reference"


@transaction.atomic
def file(*, listing: ProviderListing, price_micro: int, first_on: date, actor: Actor, at: datetime) -> PriceFiling:
    """Enter the price that a provider files for what a listing is about; nothing changes until another approves.

    :raises ListingOver: if the listing is over.
    :raises BadPrice: if it is no price, or the day is over, or after the listing.
    :raises FiledAlready: if another waits.
    """
    found = ProviderListing.objects.locked().select_related("programme__authority").get(pk=listing.pk)
    person = actor.person or people.person(actor)
    if found.status in OVER:
        raise ListingOver(_("This listing is over."))
    _require_sound(found, price_micro, first_on, at)
    with _refused():
        made = PriceFiling.objects.create(
            listing=found,
            status=FilingStatus.PROPOSED,
            price_micro=price_micro,
            first_on=first_on,
            filed_by=person,
            filed_at=at,
        )
    after = {"listing": str(found.pk), "price_micro": price_micro, "first_on": first_on.isoformat()}
    audit.record(actor=actor, verb="price.filed", thing=made, at=at, after=after)
    return made


def approve(*, filing: PriceFiling, actor: Actor, at: datetime) -> PriceFiling:
    """Let a filed price be in force from its day on.

    :raises MakerIsChecker: if the same person entered it.
    :raises IllegalMove: if it is decided already.
    :raises AboveReference: if it is too far above the median of the others.
    :raises FiledAlready: if one is in force from the same day.
    """
    return _decide(filing, FilingStatus.APPROVED, actor=actor, at=at)


def reject(*, filing: PriceFiling, actor: Actor, at: datetime) -> PriceFiling:
    """Turn a filed price down.

    :raises MakerIsChecker: if the same person entered it.
    :raises IllegalMove: if it is decided already.
    """
    return _decide(filing, FilingStatus.REJECTED, actor=actor, at=at)


@transaction.atomic
def _decide(filing: PriceFiling, status: FilingStatus, *, actor: Actor, at: datetime) -> PriceFiling:
    found = PriceFiling.objects.locked().select_related("listing__programme__authority", "filed_by").get(pk=filing.pk)
    person = people.checker(actor, maker=found.filed_by)
    people.officer(actor, Duty.LIST_PROVIDERS, of=registry.seat(actor, found.listing.programme))
    with _refused():
        found.move_to(status, decided_by=person, decided_at=at)
    audit.record(actor=actor, verb=f"price.{status.value}", thing=found, at=at)
    return found


def _require_sound(listing: ProviderListing, price_micro: int, first_on: date, at: datetime) -> None:
    if not 0 < price_micro <= MOST_MICRO:
        text = _("A price is above nothing.")
        raise BadPrice(text, fields={"price_micro": text})
    if not date_of(at) <= first_on < listing.valid_until:
        text = _("Choose a day from today on, while the listing lasts.")
        raise BadPrice(text, fields={"first_on": text})


def _refused() -> AbstractContextManager[None]:
    return refusing(
        price_filing_once_at_a_time=FiledAlready(_("Another price of this listing waits for its decision.")),
        price_filing_once_a_day=FiledAlready(_("A price of this listing is in force from that day on already.")),
        price_filing_within_reference=AboveReference(
            _("This is further above the median of what others filed for the item than the programme allows.")
        ),
    )
