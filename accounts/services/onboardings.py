"""Come to know a provider: it hands in documents, a person of the operator checks them; what was good can end."""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import (
    NEEDED,
    DocumentKind,
    Onboarding,
    OnboardingDocument,
    OnboardingStatus,
    Organization,
    OrganizationKind,
)
from accounts.services import audit, organizations
from accounts.services.audit import SYSTEM, Actor
from core import uploads
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden, IllegalMove
from core.periods import date_of

LONGEST = timedelta(days=3 * 366)
MOST_DOCUMENTS = 40
OPEN = (OnboardingStatus.APPLIED, OnboardingStatus.REJECTED, OnboardingStatus.EXPIRED, OnboardingStatus.VERIFIED)


class DocumentsMissing(Conflict):
    """What is needed has not been uploaded."""

    code = "documents-missing"


class DocumentExists(Conflict):
    """The file was uploaded before."""

    code = "document-exists"


class TooManyDocuments(Conflict):
    """There are more files than anybody would read."""

    code = "too-many-documents"


class BadDay(DomainError):
    """The day until which a verification is good is past, or years away."""

    code = "bad-day"


class ReasonMissing(DomainError):
    """A refusal says why."""

    code = "reason-missing"


class SamePerson(Forbidden):
    """Who handed in the documents does not check them."""

    code = "same-person"


def of(organization: Organization) -> Onboarding:
    """Return the onboarding of a provider, begun now if it has none.

    :raises Forbidden: if it does not sell.
    """
    if organization.kind != OrganizationKind.PROVIDER:
        raise Forbidden(_("Only providers sell."))
    begun = {"status": OnboardingStatus.APPLIED}
    return Onboarding.objects.get_or_create(organization=organization, defaults=begun)[0]


def missing(onboarding: Onboarding) -> list[DocumentKind]:
    """Return what still has to be uploaded."""
    there = set(onboarding.documents.values_list("kind", flat=True))
    return [kind for kind in NEEDED if kind not in there]


@transaction.atomic
def upload(
    *, onboarding: Onboarding, kind: str, name: str, content: bytes, actor: Actor, at: datetime
) -> OnboardingDocument:
    """Keep a file as evidence; what it is is read from its content, never from its name.

    :raises Forbidden: if no person acts.
    :raises IllegalMove: if the documents are being checked, or the provider is suspended.
    :raises BadUpload: if it is no file of a kind that is taken.
    :raises DocumentExists: if it was uploaded before.
    """
    if actor.person is None:
        raise Forbidden(_("A person hands in documents."))
    onboarding = Onboarding.objects.locked().get(pk=onboarding.pk)
    if onboarding.status not in OPEN:
        raise IllegalMove(_("Documents are not taken at present."))
    if onboarding.documents.count() >= MOST_DOCUMENTS:
        raise TooManyDocuments(_("At most %(most)d documents.") % {"most": MOST_DOCUMENTS})
    found = uploads.kind_of(content)
    digest = hashlib.sha256(content).hexdigest()
    again = DocumentExists(_("This file was uploaded before."))
    if onboarding.documents.filter(kind=kind, sha256=digest).exists():
        raise again
    with refusing(onboarding_document_once=again):
        document = OnboardingDocument.objects.create(
            onboarding=onboarding,
            kind=kind,
            name=name[-120:],
            file=ContentFile(content, name=found.suffix),
            media_type=found.media_type,
            size=len(content),
            sha256=digest,
            uploaded_by=actor.person,
            uploaded_at=at,
        )
    audit.record(actor=actor, verb="onboarding.uploaded", thing=document, at=at, after={"kind": kind, "sha256": digest})
    return document


@transaction.atomic
def submit(*, onboarding: Onboarding, actor: Actor, at: datetime) -> Onboarding:
    """Hand the documents in to be checked; a verified provider renews and sells on meanwhile.

    :raises Forbidden: if no person acts.
    :raises DocumentsMissing: if something needed is missing.
    :raises IllegalMove: if they are being checked, or the provider is suspended.
    """
    if actor.person is None:
        raise Forbidden(_("A person hands in documents."))
    onboarding = Onboarding.objects.locked().get(pk=onboarding.pk)
    lacking = missing(onboarding)
    if lacking:
        names = ", ".join(str(kind.label) for kind in lacking)
        raise DocumentsMissing(_("These are missing: %(names)s.") % {"names": names}, missing=[*map(str, lacking)])
    stamps = {"submitted_by": actor.person, "submitted_at": at}
    if onboarding.status == OnboardingStatus.VERIFIED:
        with refusing(onboarding_decided_by_another=SamePerson(_("You checked the documents last time."))):
            Onboarding.objects.filter(pk=onboarding.pk).update(**stamps)
        onboarding.refresh_from_db()
        audit.record(actor=actor, verb="onboarding.renewal-submitted", thing=onboarding, at=at)
        return onboarding
    clear = {"decided_by": None, "decided_at": None, "reason": "", "good_until": None}
    return _move(onboarding, OnboardingStatus.SUBMITTED, "onboarding.submitted", actor=actor, at=at, **clear, **stamps)


@transaction.atomic
def verify(*, onboarding: Onboarding, good_until: date, actor: Actor, at: datetime) -> Onboarding:
    """Confirm that a provider is who it says, until a day; also after a suspension, or to renew.

    :raises Forbidden: if the actor is no person of the operator, or has an interest in the provider.
    :raises SamePerson: if it handed in the documents.
    :raises BadDay: if the day is not to come, or more than three years away.
    :raises IllegalMove: if there is nothing to check.
    """
    onboarding = _locked(onboarding)
    if not date_of(at) < good_until <= date_of(at) + LONGEST:
        raise BadDay(_("Choose a day to come, at most three years away."), fields={"good_until": _("Not such a day.")})
    person = organizations.require_operator(actor=actor, of=onboarding.organization)
    stamps = {"decided_by": person, "decided_at": at, "reason": "", "good_until": good_until}
    with refusing(onboarding_decided_by_another=SamePerson(_("Who handed in the documents does not check them."))):
        if Onboarding.objects.waiting().verified().filter(pk=onboarding.pk).update(**stamps):
            onboarding.refresh_from_db()
            audit.record(actor=actor, verb="onboarding.renewed", thing=onboarding, at=at, after=_written(stamps))
            return onboarding
        return _move(onboarding, OnboardingStatus.VERIFIED, "onboarding.verified", actor=actor, at=at, **stamps)


def reject(*, onboarding: Onboarding, reason: str, actor: Actor, at: datetime) -> Onboarding:
    """Turn documents down and say why; the provider may hand in others.

    :raises ReasonMissing: if it does not say why.
    :raises IllegalMove: if they are not being checked.
    """
    return _refuse(onboarding, OnboardingStatus.REJECTED, "onboarding.rejected", reason, actor=actor, at=at)


def suspend(*, onboarding: Onboarding, reason: str, actor: Actor, at: datetime) -> Onboarding:
    """Stop a verified provider from selling and say why; what is reserved stays reserved.

    :raises ReasonMissing: if it does not say why.
    :raises IllegalMove: if it is not verified.
    """
    return _refuse(onboarding, OnboardingStatus.SUSPENDED, "onboarding.suspended", reason, actor=actor, at=at)


@transaction.atomic
def expire(*, on: date, at: datetime) -> int:
    """End the verifications whose day has passed; return how many. Repeating it changes nothing."""
    overdue = list(Onboarding.objects.overdue(on).locked())
    for onboarding in overdue:
        _move(onboarding, OnboardingStatus.EXPIRED, "onboarding.expired", actor=SYSTEM, at=at)
    return len(overdue)


@transaction.atomic
def _refuse(
    onboarding: Onboarding, target: OnboardingStatus, verb: str, reason: str, *, actor: Actor, at: datetime
) -> Onboarding:
    if not reason.strip():
        raise ReasonMissing(_("Say why."), fields={"reason": _("Say why.")})
    onboarding = _locked(onboarding)
    person = organizations.require_operator(actor=actor, of=onboarding.organization)
    stamps = {"decided_by": person, "decided_at": at, "reason": reason.strip(), "good_until": None}
    with refusing(onboarding_decided_by_another=SamePerson(_("Who handed in the documents does not check them."))):
        return _move(onboarding, target, verb, actor=actor, at=at, **stamps)


def _locked(onboarding: Onboarding) -> Onboarding:
    return Onboarding.objects.locked().select_related("organization").get(pk=onboarding.pk)


def _move(
    onboarding: Onboarding, target: OnboardingStatus, verb: str, *, actor: Actor, at: datetime, **stamps: Any
) -> Onboarding:
    before = {"status": onboarding.status}
    onboarding.move_to(target, **stamps)
    after = {"status": target.value} | _written(
        {name: stamps[name] for name in ("reason", "good_until") if name in stamps}
    )
    audit.record(actor=actor, verb=verb, thing=onboarding, at=at, before=before, after=after)
    return onboarding


def _written(stamps: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in stamps.items() if value}
