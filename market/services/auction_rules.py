"""Propose and publish the rules of the auction, by two people, and know which of them count."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden
from core.money import BP_WHOLE
from market.models import AuctionProposal, AuctionProposalStatus, AuctionRules
from market.models.auction_rules import MOST_RESERVED_BP

LIMITS = {"reserve_bp": MOST_RESERVED_BP, "ageing_bp": BP_WHOLE, "k_bp": BP_WHOLE}


class BadAuctionRules(DomainError):
    """A share is none, nobody says why, or the rules would begin before people could know them."""

    code = "bad-auction-rules"


class AuctionRulesTaken(Conflict):
    """Other rules begin at this instant."""

    code = "auction-rules-taken"


class AuctionRulesProposed(Conflict):
    """Other rules that would begin at this instant wait for their decision."""

    code = "auction-rules-proposed"


class ProposalDecided(Conflict):
    """The proposal was decided, or taken back."""

    code = "proposal-decided"


class ProposalTooLate(Conflict):
    """The rules were to begin before now: whoever bids must know them before."""

    code = "proposal-too-late"


class SamePerson(Forbidden):
    """Who proposes rules does not decide about them."""

    code = "same-person"


class ReasonMissing(DomainError):
    """A rejection says why."""

    code = "reason-missing"


@transaction.atomic
def propose(
    *, starts_at: datetime, reserve_bp: int, ageing_bp: int, k_bp: int, grounds: str, actor: Actor, at: datetime
) -> AuctionProposal:
    """Propose the rules by which auctions are held from an instant to come; nothing counts until another approves.

    :raises BadAuctionRules: if they make no sense, or begin in the past.
    :raises AuctionRulesTaken: if others begin at this instant.
    :raises AuctionRulesProposed: if others are proposed for this instant.
    """
    person = _person(actor)
    shares = {"reserve_bp": reserve_bp, "ageing_bp": ageing_bp, "k_bp": k_bp}
    told = shares | {"starts_at": starts_at, "grounds": grounds.strip()}
    if faults := wrong(told, at=at):
        raise BadAuctionRules(_("The rules make no sense."), fields=faults)
    if AuctionRules.objects.filter(starts_at=starts_at).exists():
        raise _taken()
    with _refused():
        made = AuctionProposal.objects.create(
            status=AuctionProposalStatus.PROPOSED, proposed_by=person, proposed_at=at, **told
        )
    _record("proposed", made, actor=actor, at=at, after=told | {"starts_at": starts_at.isoformat()})
    return made


@transaction.atomic
def approve(*, proposal: AuctionProposal, actor: Actor, at: datetime) -> AuctionRules:
    """Publish what another person proposed.

    :raises SamePerson: if the same person proposed it.
    :raises ProposalDecided: if it was decided, or taken back.
    :raises ProposalTooLate: if the rules were to begin before now.
    :raises AuctionRulesTaken: if others begin at this instant by now.
    """
    person, found = _person(actor), _waiting(proposal)
    if found.starts_at <= at:
        raise ProposalTooLate(_("These rules were to begin before now: propose them for a time to come."))
    with _refused():
        found.move_to(AuctionProposalStatus.APPROVED, decided_by=person, decided_at=at)
        rules = AuctionRules.objects.create(proposal=found, published_by=person, published_at=at, **found.terms)
    after = found.terms | {"starts_at": found.starts_at.isoformat(), "proposal": str(found.pk)}
    _record("published", rules, actor=actor, at=at, after=after)
    return rules


@transaction.atomic
def reject(*, proposal: AuctionProposal, note: str, actor: Actor, at: datetime) -> AuctionProposal:
    """Turn down what another person proposed, and say why.

    :raises ReasonMissing: if it does not say why.
    :raises SamePerson, ProposalDecided: as ``approve`` does.
    """
    if not note.strip():
        raise ReasonMissing(_("Say why."), fields={"note": _("Say why.")})
    person, found = _person(actor), _waiting(proposal)
    stamps = {"decided_by": person, "decided_at": at, "note": note.strip()[:500]}
    with _refused():
        found.move_to(AuctionProposalStatus.REJECTED, **stamps)
    _record("rejected", found, actor=actor, at=at, after={"note": found.note})
    return found


@transaction.atomic
def withdraw(*, proposal: AuctionProposal, actor: Actor, at: datetime) -> AuctionProposal:
    """Take back what one has proposed oneself.

    :raises Forbidden: if somebody else proposed it.
    :raises ProposalDecided: if it was decided, or taken back before.
    """
    person, found = _person(actor), _waiting(proposal)
    if found.proposed_by_id != person.pk:
        raise Forbidden(_("Only who proposed it takes it back; another person rejects it."))
    found.move_to(AuctionProposalStatus.WITHDRAWN, decided_at=at)
    _record("withdrawn", found, actor=actor, at=at)
    return found


def in_effect(at: datetime) -> AuctionRules | None:
    """Return the rules that count at an instant; without any, nothing is reserved, waiting has no weight, k is 0."""
    return AuctionRules.objects.in_effect(at).first()


def wrong(told: Mapping[str, Any], *, at: datetime) -> dict[str, str]:
    """Return what is wrong with rules that somebody wants to propose, by field."""
    faults = {
        name: _("From %(least)d to %(most)d.") % {"least": 0, "most": most}
        for name, most in LIMITS.items()
        if not 0 <= told[name] <= most
    }
    if not told["grounds"].strip():
        faults["grounds"] = _("Say why.")
    if told["starts_at"] <= at:
        faults["starts_at"] = _("Rules begin at an instant to come.")
    return faults


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise Forbidden(_("Only a person of the operator decides this."))
    return actor.user


def _waiting(proposal: AuctionProposal) -> AuctionProposal:
    """Return a proposal that waits for its decision, locked."""
    found = AuctionProposal.objects.locked().get(pk=proposal.pk)
    if found.status != AuctionProposalStatus.PROPOSED:
        raise ProposalDecided(_("This proposal was decided, or taken back."))
    return found


def _taken() -> AuctionRulesTaken:
    return AuctionRulesTaken(_("Other rules begin at this instant."))


@contextmanager
def _refused() -> Iterator[None]:
    """Say in the domain's words what the database refuses."""
    with refusing(
        auction_proposal_once_at_a_time=AuctionRulesProposed(
            _("Other rules that would begin at this instant wait for their decision.")
        ),
        auction_proposal_maker_is_not_checker=SamePerson(_("Another person must approve what you proposed.")),
        auction_rules_once=_taken(),
    ):
        yield


def _record(
    verb: str, thing: AuctionProposal | AuctionRules, *, actor: Actor, at: datetime, after: dict[str, Any] | None = None
) -> None:
    audit.record(actor=actor, verb=f"auction-rules.{verb}", thing=thing, at=at, after=after)
