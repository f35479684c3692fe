"""Bring an offering on sale: its provider submits it, a person of the operator looks at it and lists or rejects it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Onboarding
from accounts.services import audit, organizations
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden, IllegalMove
from market.models import Offering, OfferingStatus, PricePlan
from market.pricing import Plan
from market.services.price_lists import plan_of

LOOKED_AT = (OfferingStatus.LISTED, OfferingStatus.PAUSED)


class ProviderNotVerified(Conflict):
    """The provider has not been verified by the operator, or no longer is."""

    code = "provider-not-verified"


class ReasonMissing(DomainError):
    """A rejection says why."""

    code = "reason-missing"


class ChangedMeanwhile(Conflict):
    """The offering is not what the person who decides has looked at."""

    code = "offering-changed"


class SamePerson(Forbidden):
    """Who submitted an offering does not review it."""

    code = "same-person"


@transaction.atomic
def submit(*, offering: Offering, actor: Actor, at: datetime) -> Offering:
    """Hand an offering to the operator for review; it is on sale once it has been approved.

    :raises ProviderNotVerified: if its provider is not verified.
    :raises IllegalMove: if it is in review, on sale or archived.
    """
    offering = Offering.objects.locked().get(pk=offering.pk)
    require_verified(offering.provider_id)
    if offering.status not in (OfferingStatus.DRAFT, OfferingStatus.REJECTED):
        raise IllegalMove(_("Only a draft, or what was turned down, is submitted."))
    return to_review(offering, verb="offering.submitted", actor=actor, at=at)


def look_again(offering: Offering, *, far: bool, actor: Actor, at: datetime) -> Offering:
    """Put a locked offering that was listed before the operator again, if what it became is far from what was seen.

    In review it is another than was submitted: who is looking at it looks again.
    """
    if offering.status == OfferingStatus.REVIEW:
        Offering.objects.filter(pk=offering.pk).update(submitted_by=actor.person, submitted_at=at)
    elif far and offering.status in LOOKED_AT:
        to_review(offering, verb="offering.back-in-review", actor=actor, at=at)
    return offering


def to_review(offering: Offering, *, verb: str, actor: Actor, at: datetime) -> Offering:
    """Put a locked offering before the operator again, without its earlier review."""
    stamps = {"submitted_by": actor.person, "submitted_at": at, "reviewed_by": None, "reviewed_at": None}
    return _move(offering, OfferingStatus.REVIEW, verb=verb, actor=actor, at=at, review_note="", **stamps)


@transaction.atomic
def withdraw(*, offering: Offering, actor: Actor, at: datetime) -> Offering:
    """Take an offering back out of the review.

    :raises IllegalMove: if it is not in review.
    """
    offering = Offering.objects.locked().get(pk=offering.pk)
    return _move(offering, OfferingStatus.DRAFT, verb="offering.withdrawn", actor=actor, at=at)


@transaction.atomic
def approve(*, offering: Offering, note: str = "", seen: str | None = None, actor: Actor, at: datetime) -> Offering:
    """Put a reviewed offering on sale, as it stood when ``standing`` was ``seen``.

    :raises ChangedMeanwhile: if it was changed since.
    :raises Forbidden: if the actor is no person of the operator, or has an interest in the provider.
    :raises SamePerson: if it submitted the offering.
    :raises ProviderNotVerified: if its provider is no longer verified.
    :raises IllegalMove: if it is not in review.
    """
    offering = _in_review(offering)
    if seen is not None and seen != standing(offering):
        raise ChangedMeanwhile(_("The offering was changed meanwhile: look at it again."))
    require_verified(offering.provider_id)
    looked_at = {"reviewed_micro": offering.price_micro, "reviewed_plan": _last_plan(offering)}
    return _decide(offering, OfferingStatus.LISTED, verb="offering.listed", note=note, actor=actor, at=at, **looked_at)


def standing(offering: Offering) -> str:
    """Return by what an offering in review is known as it stands: when it was submitted, or changed since."""
    return offering.submitted_at.isoformat() if offering.submitted_at else ""


@transaction.atomic
def reject(*, offering: Offering, note: str, actor: Actor, at: datetime) -> Offering:
    """Turn an offering down and say why; its provider may change and submit it again.

    :raises ReasonMissing: if it does not say why.
    :raises Forbidden: if the actor is no person of the operator, or has an interest in the provider.
    :raises SamePerson: if it submitted the offering.
    :raises IllegalMove: if it is not in review.
    """
    if not note.strip():
        raise ReasonMissing(_("Say why."), fields={"note": _("Say why.")})
    return _decide(
        _in_review(offering), OfferingStatus.REJECTED, verb="offering.rejected", note=note, actor=actor, at=at
    )


def reviewed(offering: Offering) -> Plan:
    """Return the plan, or the flat price as one, that was looked at last, or that there is if nobody has looked."""
    if offering.reviewed_plan is not None:
        return plan_of(offering.reviewed_plan)
    return Plan(base_micro=offering.reviewed_micro or offering.price_micro)


def _last_plan(offering: Offering) -> PricePlan | None:
    """Return the plan that an offering ends up with, of all that its reviewer sees."""
    return PricePlan.objects.filter(offering=offering).order_by("starts_at").last()


def _in_review(offering: Offering) -> Offering:
    offering = Offering.objects.locked().select_related("provider").get(pk=offering.pk)
    if offering.status != OfferingStatus.REVIEW:
        raise IllegalMove(_("The offering is not in review."))
    return offering


def _decide(
    offering: Offering, target: OfferingStatus, *, verb: str, note: str, actor: Actor, at: datetime, **seen: Any
) -> Offering:
    person = organizations.require_operator(actor=actor, of=offering.provider)
    stamps = {"reviewed_by": person, "reviewed_at": at, "review_note": note.strip(), **seen}
    with refusing(offering_reviewed_by_another=SamePerson(_("Who submitted an offering does not review it."))):
        return _move(offering, target, verb=verb, actor=actor, at=at, **stamps)


def verified(providers: Collection[UUID]) -> set[UUID]:
    """Return those of some providers that may sell."""
    found = Onboarding.objects.verified().filter(organization__in=providers)
    return set(found.values_list("organization", flat=True))


def require_verified(provider_id: UUID) -> None:
    """Refuse a sale by a provider that is not verified.

    :raises ProviderNotVerified: if it is not.
    """
    if not verified([provider_id]):
        raise ProviderNotVerified(_("Only verified providers sell: hand in the documents first."))


def _move(
    offering: Offering, target: OfferingStatus, *, verb: str, actor: Actor, at: datetime, **stamps: Any
) -> Offering:
    before = {"status": offering.status}
    offering.move_to(target, **stamps)
    after = {"status": target.value} | ({"note": stamps["review_note"]} if stamps.get("review_note") else {})
    audit.record(actor=actor, verb=verb, thing=offering, at=at, before=before, after=after)
    return offering
