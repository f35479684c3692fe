"""Terms of service of an offering, version by version, and who has agreed to which."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden
from market.models import Offering, OfferingStatus, ServiceTerms, TermsConsent

MOST_CHARACTERS = 50_000


class BadTermsText(DomainError):
    """The text is empty, too long, or the one that counts already."""

    code = "bad-terms-text"


class TermsChanged(Conflict):
    """The text agreed to is not the one that counts: read it again."""

    code = "terms-changed"


class ConsentNeeded(Conflict):
    """Every offering that the order could get waits for the buyer's consent to its terms; ``offerings`` names them."""

    code = "terms-consent-needed"


def current(offerings: Iterable[Offering] | QuerySet[Offering]) -> dict[UUID, ServiceTerms]:
    """Return the terms that count, by offering; offerings without terms are left out."""
    latest = ServiceTerms.objects.filter(offering__in=offerings).order_by("offering", "-version").distinct("offering")
    return {one.offering_id: one for one in latest}


@transaction.atomic
def publish(*, offering: Offering, text: str, actor: Actor, at: datetime) -> ServiceTerms:
    """Publish the next version of an offering's terms; orders that are placed stay on those agreed to.

    :raises BadTermsText: if it is empty, too long, or no change.
    """
    offering = Offering.objects.locked().get(pk=offering.pk)
    text = text.replace("\r\n", "\n").strip()
    before = current([offering]).get(offering.pk)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if offering.status == OfferingStatus.ARCHIVED:
        raise BadTermsText(_("The offering is archived."))
    if not text or len(text) > MOST_CHARACTERS or "\x00" in text:
        raise BadTermsText(_("Terms have 1 to %(most)d characters.") % {"most": MOST_CHARACTERS})
    if before is not None and before.sha256 == digest:
        raise BadTermsText(_("This is the text that counts already."))
    terms = ServiceTerms.objects.create(
        offering=offering, version=before.version + 1 if before else 1, text=text, sha256=digest, published_at=at
    )
    after = {"version": terms.version, "sha256": digest}
    audit.record(actor=actor, verb="offering.terms-published", thing=offering, at=at, after=after)
    return terms


@transaction.atomic
def agree(*, offering: Offering, buyer: Organization, sha256: str, actor: Actor, at: datetime) -> TermsConsent:
    """Agree to the terms that count, named by the digest of their text; agreeing again changes nothing.

    :raises Forbidden: if the organisation does not buy.
    :raises TermsChanged: if the digest is not that of the terms that count.
    """
    if buyer.kind != OrganizationKind.BUYER:
        raise Forbidden(_("Only a buyer agrees to terms."))
    terms = current([offering]).get(offering.pk)
    if terms is None or terms.sha256 != sha256:
        raise TermsChanged(_("The terms have changed: read them again."))
    consent = TermsConsent.objects.filter(terms=terms, buyer=buyer).first()
    if consent is not None:
        return consent
    with refusing(terms_consent_once=TermsChanged(_("Somebody of yours has just agreed."))):
        consent = TermsConsent.objects.create(
            terms=terms, buyer=buyer, sha256=sha256, by=actor.user, key=actor.key, at=at
        )
    after = {"offering": str(offering.pk), "version": terms.version, "sha256": sha256}
    audit.record(actor=actor, verb="terms.agreed", thing=terms, at=at, after=after)
    return consent


def agreed(buyers: Iterable[UUID], terms: Iterable[ServiceTerms]) -> dict[UUID, frozenset[int]]:
    """Return the keys of the terms, of those given, that each buyer has agreed to."""
    rows = TermsConsent.objects.filter(buyer__in=list(buyers), terms__in=list(terms)).values_list("buyer", "terms")
    found: dict[UUID, set[int]] = {}
    for buyer, key in rows:
        found.setdefault(buyer, set()).add(key)
    return {buyer: frozenset(keys) for buyer, keys in found.items()}


def check_consent(*, buyer: Organization, offerings: QuerySet[Offering]) -> None:
    """Refuse an order if each of the offerings that it could get has terms that the buyer has not agreed to.

    :raises ConsentNeeded: naming them.
    """
    counting = current(offerings.order_by())
    if not counting or offerings.exclude(pk__in=counting).exists():
        return
    mine = agreed([buyer.pk], counting.values()).get(buyer.pk, frozenset())
    if any(one.pk in mine for one in counting.values()):
        return
    waiting = [{"offering": str(key), "version": one.version, "sha256": one.sha256} for key, one in counting.items()]
    raise ConsentNeeded(_("Agree to the terms of service first."), offerings=waiting[:50])
