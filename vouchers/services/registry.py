"""Keep the registry of providers: who applied for which item, who is listed until when, who is suspended.

``programme.providers`` stays what a hold looks up: those who are listed for anything today. It follows the registry.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import SYSTEM, Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from core.periods import date_of
from vouchers.models import ListingStatus, Programme, ProviderListing
from vouchers.services import people
from vouchers.services.applications.moves import reasoned
from vouchers.services.programmes import NotAProvider


class ListedAlready(Conflict):
    """The provider has applied for this item, or is listed for it, at this time."""

    code = "provider-listed-already"


class PriceMissing(Conflict):
    """The programme lists providers whose price was filed, and no price of this one was approved."""

    code = "price-missing"


class BadListing(DomainError):
    """The item is none of the programme's, or the days are out of order."""

    code = "bad-listing"


@transaction.atomic
def apply(
    *,
    programme: Programme,
    provider: Organization,
    valid_from: date,
    valid_until: date,
    actor: Actor,
    at: datetime,
    item: str = "",
    batch: str = "",
) -> ProviderListing:
    """Apply for a provider's listing, by itself or by an officer for it.

    :raises NotAProvider: if it is none.
    :raises BadListing: if the item is none of the programme's, or the days are out of order.
    :raises ListedAlready: if it has applied or is listed for this item at this time.
    """
    if provider.kind != OrganizationKind.PROVIDER:
        raise NotAProvider(_("%(name)s is not a provider.") % {"name": provider.name})
    person = actor.person or people.person(actor)
    terms = {"item": item, "categories": _categories(programme, item), "batch": batch}
    order = _("A listing ends after it begins.")
    with refusing(
        provider_listed_once_at_a_time=ListedAlready(
            _("The provider has applied for this, or is listed, at this time.")
        ),
        provider_listing_days_in_order=BadListing(order, fields={"valid_until": order}),
    ):
        listing = ProviderListing.objects.create(
            programme=programme,
            provider=provider,
            status=ListingStatus.APPLIED,
            valid_from=valid_from,
            valid_until=valid_until,
            applied_by=person,
            applied_at=at,
            **terms,
        )
    audit.record(actor=actor, verb="listing.applied", thing=listing, at=at, after={"item": item, "batch": batch})
    return listing


def review(*, listing: ProviderListing, actor: Actor, at: datetime) -> ProviderListing:
    """Take an application for a listing up.

    :raises IllegalMove: if it is not waiting.
    """
    return _move(listing, ListingStatus.REVIEW, actor=actor, at=at)


def list_(*, listing: ProviderListing, actor: Actor, at: datetime) -> ProviderListing:
    """List a provider; who applied does not decide.

    :raises MakerIsChecker: if the same person applied for it.
    :raises IllegalMove: if it is not in review.
    :raises PriceMissing: if the programme asks for filed prices, and none of it is approved.
    """
    return _move(listing, ListingStatus.LISTED, actor=actor, at=at, decides=True)


def reject(*, listing: ProviderListing, reason: str, actor: Actor, at: datetime) -> ProviderListing:
    """Turn an application for a listing down, and say why."""
    return _move(listing, ListingStatus.REJECTED, actor=actor, at=at, decides=True, reason=reasoned(reason)[:500])


def suspend(*, listing: ProviderListing, reason: str, actor: Actor, at: datetime) -> ProviderListing:
    """Suspend a listed provider and say why: nothing new is held for it, and what is owed to it is withheld."""
    return _move(listing, ListingStatus.SUSPENDED, actor=actor, at=at, decides=True, reason=reasoned(reason)[:500])


def suspend_by_rule(*, listing: ProviderListing, reason: str, at: datetime) -> bool:
    """Suspend a listing, locked with all of its provider, because the programme says so.

    Whoever decided on it last stays who decided on it.
    """
    if listing.status != ListingStatus.LISTED:
        return False
    listing.move_to(ListingStatus.SUSPENDED, reason=reason, decided_at=at)
    _follow(listing, date_of(at))
    after = {"status": str(ListingStatus.SUSPENDED), "reason": reason}
    before = {"status": str(ListingStatus.LISTED)}
    audit.record(actor=SYSTEM, verb="listing.suspended", thing=listing, at=at, before=before, after=after)
    return True


def resume(*, listing: ProviderListing, actor: Actor, at: datetime) -> ProviderListing:
    """List a suspended provider again."""
    return _move(listing, ListingStatus.LISTED, actor=actor, at=at, decides=True, reason="")


def delist(*, listing: ProviderListing, reason: str, actor: Actor, at: datetime) -> ProviderListing:
    """End a listing before its time; what is held for the provider already may still be captured."""
    return _move(listing, ListingStatus.DELISTED, actor=actor, at=at, decides=True, reason=reasoned(reason)[:500])


def expire_due(*, at: datetime) -> int:
    """End the listings whose days are over; return how many."""
    due = ProviderListing.objects.overdue(date_of(at)).order_by("pk")
    for listing in list(due):
        _expire(listing, at)
    return len(due)


def begin_due(*, at: datetime) -> int:
    """Let the listings count whose first day has come since somebody listed them; return how many."""
    due = ProviderListing.objects.beginning(date_of(at)).order_by("pk").values_list("pk", flat=True)
    return sum(_begin(key, at) for key in due)


def is_listed(*, programme: Programme, provider: Organization, category: str, on: date) -> bool:
    """Tell whether a programme pays for a category of a provider on a day, for instance that of a contract (I10)."""
    if programme.open_registry:
        return True
    rows = ProviderListing.objects.registered().filter(programme=programme, provider=provider)
    if not rows.exists():
        return programme.providers.filter(pk=provider.pk).exists()
    return rows.covering(category).on(on).exists()


def withheld(*, programme: Programme, providers: Collection[UUID]) -> set[UUID]:
    """Return which of some providers are paid nothing now: suspended, or never in the registry and off the list.

    A listing that is over withholds nothing: what was delivered while it lasted is owed (I10).
    """
    rows = ProviderListing.objects.filter(programme=programme, provider=OuterRef("pk"))
    listed = programme.providers.through.objects.filter(programme=programme, organization=OuterRef("pk"))
    paid = Q() if programme.open_registry else Exists(rows.registered()) | Exists(listed)
    known = Organization.objects.filter(~Exists(rows.suspended()) & paid, pk__in=providers)
    return set(providers) - set(known.values_list("pk", flat=True))


def _categories(programme: Programme, item: str) -> list[str]:
    items = {one.code: one for one in programme.parameters.providers.service_items}
    if not item:
        return []
    if item not in items:
        text = _("The programme has no such service item.")
        raise BadListing(text, fields={"item": text})
    return list(items[item].categories)


def seat(actor: Actor, programme: Programme) -> Organization:
    """Return the organisation whose people list providers: the authority, or the operator who brings providers in."""
    acting = actor.organization
    return acting if acting is not None and acting.kind == OrganizationKind.OPERATOR else programme.authority


@transaction.atomic
def _move(
    listing: ProviderListing,
    target: ListingStatus,
    *,
    actor: Actor,
    at: datetime,
    decides: bool = False,
    **stamps: Any,
) -> ProviderListing:
    found = _locked(listing)
    person = people.officer(actor, Duty.LIST_PROVIDERS, of=seat(actor, found.programme))
    if decides:
        person = people.checker(actor, maker=found.applied_by)
        stamps |= {"decided_by": person, "decided_at": at}
    before = {"status": found.status}
    missing = PriceMissing(_("No price of this provider is approved: enter the price that it filed first."))
    with refusing(provider_listing_price_filed=missing):
        found.move_to(target, **stamps)
    _follow(found, date_of(at))
    after = {"status": target.value, "reason": found.reason}
    audit.record(actor=actor, verb=f"listing.{target.value}", thing=found, at=at, before=before, after=after)
    return found


@transaction.atomic
def _begin(key: UUID, at: datetime) -> bool:
    listing = _locked(ProviderListing.objects.get(pk=key))
    if not ProviderListing.objects.beginning(date_of(at)).filter(pk=key).exists():
        return False
    _follow(listing, date_of(at))
    audit.record(actor=SYSTEM, verb="listing.began", thing=listing, at=at)
    return True


@transaction.atomic
def _expire(listing: ProviderListing, at: datetime) -> None:
    found = _locked(listing)
    if found.status not in (ListingStatus.LISTED, ListingStatus.SUSPENDED):
        return
    found.move_to(ListingStatus.EXPIRED)
    _follow(found, date_of(at))
    audit.record(actor=SYSTEM, verb="listing.expired", thing=found, at=at)


def _locked(listing: ProviderListing) -> ProviderListing:
    """Lock a listing with all others of its provider in the programme: they decide together who is on its list."""
    same = ProviderListing.objects.filter(programme=listing.programme_id, provider=listing.provider_id)
    rows = same.locked().select_related("programme__authority", "provider", "applied_by")
    return next(row for row in rows if row.pk == listing.pk)


def _follow(listing: ProviderListing, on: date) -> None:
    """Let what a hold looks up say the same as the registry."""
    if _is_open(listing, on):
        listing.programme.providers.add(listing.provider)
    else:
        listing.programme.providers.remove(listing.provider)


def _is_open(listing: ProviderListing, on: date) -> bool:
    """Tell whether vouchers may be used with the provider. One item suspended stops all of the provider's."""
    rows = ProviderListing.objects.filter(programme=listing.programme_id, provider=listing.provider_id)
    return rows.listed(on).exists() and not rows.suspended().exists()
