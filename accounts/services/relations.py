"""Keep the register of related parties: what a person found, and what registers and filings say."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import traits
from accounts.models import Organization, Relation, Shareholding, Trait
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError

WHOLE_BP = 10_000


class SameOrganization(DomainError):
    """An organisation is not its own related party."""

    code = "same-organization"


class AlreadyDeclared(Conflict):
    """The relation is known already."""

    code = "relation-declared"


class AlreadyRecorded(Conflict):
    """The register says so already; what has changed is ended first."""

    code = "fact-recorded"


class BadFact(DomainError):
    """A share, a day or a value that no register could name."""

    code = "bad-fact"


class FactOver(Conflict):
    """The fact has ended before."""

    code = "fact-over"


@transaction.atomic
def declare(
    *, first: Organization, second: Organization, ground: str, source: str, actor: Actor, at: datetime
) -> Relation:
    """Declare two organisations related parties.

    :raises SameOrganization: if they are one.
    :raises AlreadyDeclared: if this is known.
    """
    if first.pk == second.pk:
        raise SameOrganization(_("Choose two organisations."))
    first, second = sorted((first, second), key=lambda one: one.pk)
    with refusing(relation_once_per_ground=AlreadyDeclared(_("This relation has been declared."))):
        relation = Relation.objects.create(first=first, second=second, ground=ground, source=source, declared_at=at)
    audit.record(actor=actor, verb="relation.declared", thing=relation, at=at, after={"ground": ground})
    return relation


@transaction.atomic
def record_shareholding(
    *,
    holder: tuple[str, str],
    held: tuple[str, str],
    share_bp: int,
    valid_from: date,
    source: str,
    actor: Actor,
    at: datetime,
    is_branch: bool = False,
) -> Shareholding:
    """Record that a holder has a share of a company; each is a code and a name, on the platform or not.

    :raises AlreadyRecorded: if an open record names the two.
    :raises BadFact: if they are one, or the share is not between 1 and 10,000 basis points.
    """
    codes = [traits.code(one) for one, _name in (holder, held)]
    if codes[0] == codes[1] or not all(codes) or not 0 < share_bp <= WHOLE_BP or (is_branch and share_bp != WHOLE_BP):
        raise BadFact(_("Name two companies and a share of 1 to 10,000 basis points; a branch is held whole."))
    with refusing(shareholding_open_once=AlreadyRecorded(_("This shareholding is recorded; end it first."))):
        fact = Shareholding.objects.create(
            holder_code=codes[0],
            holder_name=holder[1],
            held_code=codes[1],
            held_name=held[1],
            share_bp=share_bp,
            is_branch=is_branch,
            valid_from=valid_from,
            source=source,
            recorded_by=actor.user,
            recorded_at=at,
        )
    after = {"holder": codes[0], "held": codes[1], "share_bp": share_bp, "valid_from": valid_from.isoformat()}
    audit.record(actor=actor, verb="shareholding.recorded", thing=fact, at=at, after=after)
    return fact


@transaction.atomic
def record_trait(
    *,
    organization: Organization,
    kind: str,
    value: str,
    valid_from: date,
    source: str,
    actor: Actor,
    at: datetime,
    shared: bool = False,
) -> Trait:
    """Record a person, account, number, place or device of an organisation.

    :raises AlreadyRecorded: if an open record says the same.
    :raises BadFact: if nothing is left of the value once it is normalised.
    """
    value = traits.normalised(kind, value)[:200]
    if not value:
        raise BadFact(_("This value says nothing."), fields={"value": _("Empty.")})
    with refusing(trait_open_once=AlreadyRecorded(_("This is recorded of the organisation already."))):
        fact = Trait.objects.create(
            organization=organization,
            kind=kind,
            value=value,
            shared=shared,
            valid_from=valid_from,
            source=source,
            recorded_by=actor.user,
            recorded_at=at,
        )
    audit.record(actor=actor, verb="trait.recorded", thing=fact, at=at, after={"kind": kind, "shared": shared})
    return fact


@transaction.atomic
def end(*, fact: Shareholding | Trait, on: date, actor: Actor, at: datetime) -> None:
    """Write down that a fact holds no longer from a day on.

    :raises FactOver: if that is known.
    :raises BadFact: if the day is not after its first.
    """
    if on <= fact.valid_from:
        raise BadFact(_("A fact ends after its first day."))
    rows = type(fact)._default_manager.filter(pk=fact.pk, valid_to=None)
    if not rows.update(valid_to=on):
        raise FactOver(_("This has ended before."))
    fact.valid_to = on
    verb = f"{type(fact)._meta.model_name}.ended"
    audit.record(actor=actor, verb=verb, thing=fact, at=at, after={"valid_to": on.isoformat()})
