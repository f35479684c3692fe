"""Who may not use or earn vouchers, as questions to the tables that cost a hold no round trip of its own."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from accounts import selectors as register
from accounts.models import Organization, Tie
from accounts.selectors import Relatedness
from core.periods import date_of
from vouchers.models import Blacklisting, Clawback, ClawbackItem, ClawbackStatus, Grant, Programme
from vouchers.models.clawback import DROPPED
from vouchers.parameters.integrity import RelatedRule

SAME = {
    "representative": "same_representative",
    "controller": "same_controller",
    "bank_account": "same_bank_account",
    "phone": "same_contact",
    "domain": "same_contact",
    "address": "same_address",
    "device": "same_device",
}


def seen(*, providers: Sequence[Organization], at: datetime) -> dict[str, Exists]:
    """Return annotations of a grant: whether its owner or a provider is barred, and whether anything ties the two."""
    owner = OuterRef("owner")
    named = [provider.pk for provider in providers]
    barred = Blacklisting.objects.standing(at).filter(Q(organization=owner) | Q(organization__in=named))
    tied = Tie.objects.filter(Q(first=owner, second__in=named) | Q(second=owner, first__in=named))
    return {"barred": Exists(barred), "tied": Exists(tied)}


def ties(*, grant: Grant, providers: Sequence[Organization], on: date) -> tuple[Relatedness, ...]:
    """Return what ties a grant's owner to providers on a day, for a grant that was annotated with ``seen``."""
    if not vars(grant)["tied"]:
        return ()
    return tuple(register.relatedness(one_id=grant.owner_id, others=[one.pk for one in providers], on=on))


def denies(programme: Programme, tie: Relatedness) -> bool:
    """Whether a programme pays nothing between two organisations because of what ties them."""
    return programme.parameters.integrity.related_party.rule is RelatedRule.DENY and counts(programme, tie)


def counts(programme: Programme, tie: Relatedness) -> bool:
    """Whether two organisations are related parties by a programme's own parameters."""
    terms = programme.parameters.integrity.related_party
    overlooked = {ground for ground, name in SAME.items() if not getattr(terms, name)}
    return tie.is_related(terms.share_bp, overlooking=overlooked)


def minds(programme: Programme, tie: Relatedness) -> bool:
    """Whether a programme wants to hear of a tie that it does not deny."""
    terms = programme.parameters.integrity.related_party
    if terms.rule is RelatedRule.IGNORE:
        return False
    return counts(programme, tie) or tie.share_bp >= max(terms.flag_share_bp, 1)


def is_barred(*, organization_id: UUID, at: datetime) -> bool:
    """Whether an organisation gets no vouchers at an instant, and earns none."""
    return Blacklisting.objects.standing(at).filter(organization=organization_id).exists()


def related(*, grant: Grant, provider_id: UUID, on: date) -> Relatedness | None:
    """Return what ties a grant's owner to a provider on a day if its programme pays nothing because of it."""
    found = register.relatedness(one_id=grant.owner_id, others=[provider_id], on=on)
    denied = [tie for tie in found if denies(grant.programme, tie)]
    return denied[0] if denied else None


def denied(*, programme: Programme, pairs: Iterable[tuple[UUID, UUID]], on: date) -> set[tuple[UUID, UUID]]:
    """Return those pairs of a buyer and a provider between which a programme pays nothing on a day."""
    found = register.joined(pairs=pairs, on=on)
    return {(tie.one_id, tie.other_id) for tie in found if denies(programme, tie)}


def unpayable(*, grant: Grant, at: datetime) -> set[UUID]:
    """Return the providers that a grant does not pay now: related parties of its owner, and those that are barred."""
    me, owner_id = OuterRef("pk"), grant.owner_id
    barred = Exists(Blacklisting.objects.standing(at).filter(organization=me))
    tied = Exists(Tie.objects.filter(Q(first=me, second=owner_id) | Q(second=me, first=owner_id)))
    suspects = dict(Organization.objects.filter(barred | tied).annotate(barred=barred).values_list("pk", "barred"))
    others = [pk for pk, is_barred in suspects.items() if not is_barred]
    if not others:
        return set(suspects)
    ties = register.relatedness(one_id=owner_id, others=others, on=date_of(at))
    denied = {tie.other_id for tie in ties if denies(grant.programme, tie)}
    return denied | {pk for pk, is_barred in suspects.items() if is_barred}


def withheld(*, owed: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Return those pairs of a redemption and a payee of which nothing is paid out now, because of a clawback.

    A case that was dropped withholds nothing. One that has recovered all it demands withholds only from its debtor:
    what the authority owes somebody else for the same spending has come back, and is owed as if there was no case.
    """
    pairs = set(owed)
    items = ClawbackItem.objects.exclude(clawback__status__in=DROPPED)
    items = items.filter(capture__redemption__in={redemption for redemption, _payee in pairs})
    rows = items.values_list("capture__redemption", "clawback__status", "clawback__debtor").distinct()
    cases: dict[UUID, list[tuple[str, UUID]]] = defaultdict(list)
    for redemption, status, debtor in rows:
        cases[redemption].append((status, debtor))
    return {
        (redemption, payee)
        for redemption, payee in pairs
        if any(status != ClawbackStatus.RECOVERED or debtor == payee for status, debtor in cases[redemption])
    }


def outstanding_fen(*, debtor: Organization) -> int:
    """Return what an organisation still owes after decided clawbacks."""
    return sum(one.outstanding_fen for one in Clawback.objects.owed().filter(debtor=debtor))


def summary(clawback: Clawback) -> dict[str, Any]:
    """Return where a clawback's money is: demand = recovered + offset + outstanding, but for appeals."""
    return {
        "demand_fen": clawback.demand_fen,
        "recovered_fen": clawback.recovered_fen,
        "offset_fen": clawback.offset_fen,
        "outstanding_fen": clawback.outstanding_fen,
    }
