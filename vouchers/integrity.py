"""Who may not use or earn vouchers, as questions to the tables that cost a hold no round trip of its own."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from accounts import selectors as register
from accounts.models import Organization, Tie
from accounts.selectors import Relatedness
from vouchers.models import Blacklisting, Clawback, ClawbackItem, ClawbackStatus, Grant


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


def is_barred(*, organization_id: UUID, at: datetime) -> bool:
    """Whether an organisation gets no vouchers at an instant, and earns none."""
    return Blacklisting.objects.standing(at).filter(organization=organization_id).exists()


def related(*, one_id: UUID, other_id: UUID, on: date) -> Relatedness | None:
    """Return what ties two organisations on a day if it makes them related parties."""
    found = [one for one in register.relatedness(one_id=one_id, others=[other_id], on=on) if one.is_related()]
    return found[0] if found else None


def withheld(*, redemptions: Sequence[UUID]) -> set[UUID]:
    """Return those redemptions of which nothing is paid out now: a clawback that was not dismissed concerns them."""
    items = ClawbackItem.objects.exclude(clawback__status=ClawbackStatus.DISMISSED)
    rows = items.filter(capture__redemption__in=redemptions).values_list("capture__redemption", flat=True)
    return set(rows)


def outstanding_fen(*, debtor: Organization) -> int:
    """Return what an organisation still owes after decided clawbacks."""
    return sum(one.outstanding_fen for one in Clawback.objects.owed().filter(debtor=debtor))


def summary(clawback: Clawback) -> dict[str, Any]:
    """Return where a clawback's money is: demand = recovered + offset + outstanding."""
    return {
        "demand_fen": clawback.demand_fen,
        "recovered_fen": clawback.recovered_fen,
        "offset_fen": clawback.offset_fen,
        "outstanding_fen": clawback.outstanding_fen,
    }
