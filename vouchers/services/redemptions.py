"""Use a grant: quote, hold, capture what was really used, release the rest, take refunds back.

A hold is one round trip that writes first and touches shared counters last (``voucher_hold`` in the migrations). It
reads nothing under a lock. Only when a counter refuses it does a second try read the limits under their locks.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from core.constraints import constraint_name
from core.ids import uuid7
from core.periods import date_of
from ledger.models import Balance
from ledger.services.posting import KeyReused
from vouchers import rules, selectors, shared_caps
from vouchers.models import EntityYear, Grant, Programme, Redemption, RedemptionStatus
from vouchers.rules import Case, Quote, Spending
from vouchers.rules.quoting import NOTHING_MORE
from vouchers.selectors import Standing
from vouchers.services import parties, refusals, registry
from vouchers.services.captures import (
    CaptureItem,
    DemandedBack,
    RedemptionClosed,
    UsedAfterExpiry,
    capture_many,
    payable_fen,
    refund,
    release,
)
from vouchers.services.refusals import (
    Barred,
    BelowMinimum,
    CategoryNotEligible,
    GrantNotUsable,
    NothingToPay,
    NotOwner,
    ProgrammeNotOpen,
    ProviderNotListed,
    QuoteChanged,
    RelatedParty,
    Short,
)

__all__ = [
    "Barred",
    "BelowMinimum",
    "CaptureItem",
    "CategoryNotEligible",
    "DemandedBack",
    "GrantNotUsable",
    "NotOwner",
    "NothingToPay",
    "ProgrammeNotOpen",
    "ProviderNotListed",
    "QuoteChanged",
    "RedemptionClosed",
    "RelatedParty",
    "Short",
    "UsedAfterExpiry",
    "capture_many",
    "hold",
    "payable_fen",
    "quote",
    "refund",
    "release",
]

HOLD = "SELECT voucher_hold(%s, %s, %s, %s, %s::smallint, %s, %s, %s, %s)"
TRY_HOLD = HOLD.replace("voucher_hold", "voucher_try_hold")
QUEUE = "SELECT pg_advisory_xact_lock(1100, (%s %% 2147483647)::integer)"
LOCK_REFERENCE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
HELD_BEFORE = "redemption_reference_once"
REFUSALS = {
    HELD_BEFORE,
    "redemption_grant_usable",
    "redemption_programme_open",
    "entity_year_within_cap",
    "redemption_within_shared_caps",
    "redemption_within_provider_share",
    "ledger_balance_floor",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What somebody asks a grant to pay."""

    grant_id: UUID
    owner: Organization
    reference: str
    category: str
    providers: tuple[Organization, ...]
    amount_fen: int
    at: datetime
    case: Case = NOTHING_MORE
    contracted_on: date | None = None


def quote(
    *,
    grant: Grant,
    owner: Organization,
    category: str,
    providers: Sequence[Organization],
    amount_fen: int,
    at: datetime,
    case: Case = NOTHING_MORE,
) -> Quote:
    """Say what a grant would pay of ``amount_fen`` now, and why. Nothing is locked and nothing changes.

    With several acceptable providers all of them must be listed. A refusal is an answer, not an error. ``case`` is what
    is known around the spending: facts for tiers, other support, the days of the contract.

    :raises NotOwner: if the grant is another firm's.
    :raises NothingToPay: if the amount is not above zero.
    """
    wish = _Wish(
        grant_id=grant.pk,
        owner=owner,
        reference="",
        category=category,
        providers=tuple(providers),
        amount_fen=amount_fen,
        at=at,
        case=case,
    )
    return _stand(wish)[1]


def hold(
    *,
    grant: Grant,
    owner: Organization,
    reference: str,
    category: str,
    providers: Sequence[Organization],
    amount_fen: int,
    at: datetime,
    expected_fen: int | None = None,
    case: Case = NOTHING_MORE,
    contracted_on: date | None = None,
) -> Redemption:
    """Set aside what a grant pays of ``amount_fen``; the same reference again returns the first redemption.

    :param contracted_on: the day on which the providers had to be listed, if it is not today (I10).
    :raises NotOwner, NothingToPay: as ``quote`` does.
    :raises GrantNotUsable, ProgrammeNotOpen, Barred, RelatedParty: as quoted.
    :raises CategoryNotEligible, ProviderNotListed, BelowMinimum, Short: as quoted.
    :raises QuoteChanged: if it pays less than ``expected_fen``.
    :raises KeyReused: if the reference stands for another wish.
    """
    wish = _Wish(
        grant_id=grant.pk,
        owner=owner,
        reference=reference,
        category=category,
        providers=tuple(providers),
        amount_fen=amount_fen,
        at=at,
        case=case,
        contracted_on=contracted_on,
    )
    try:
        return _try(wish, expected_fen) or _try_under_locks(wish, expected_fen)
    except RelatedParty:
        parties.note_refused(grant_id=grant.pk, providers=wish.providers, amount_fen=amount_fen, at=at)
        raise


def _try(wish: _Wish, expected_fen: int | None) -> Redemption | None:
    """Hold what the limits allowed a moment ago, or return nothing if a counter has moved since."""
    standing, quoted = _stand(wish)
    grant = standing.grant
    if quoted.refused or quoted.amount_fen < (expected_fen or 0):
        return _held_before(wish) or refusals.refuse(quoted)
    redemption = _redemption(grant, wish, quoted)
    refused = _write(redemption, grant)
    if refused == HELD_BEFORE:
        return _held_before(wish)
    if refused is None and standing.ties:
        parties.note_flagged(redemption=redemption, ties=standing.ties, at=wish.at)
    return None if refused else redemption


@transaction.atomic
def _try_under_locks(wish: _Wish, expected_fen: int | None) -> Redemption:
    """Hold what the limits allow now, with every counter locked in the order in which ``voucher_hold`` takes them."""
    grant = Grant.objects.get(pk=wish.grant_id)
    with connection.cursor() as cursor:
        cursor.execute(LOCK_REFERENCE, [wish.reference])
    Programme.objects.locked().get(pk=grant.programme_id)
    year = {"programme_id": grant.programme_id, "entity_id": grant.owner_id, "year": date_of(wish.at).year}
    EntityYear.objects.bulk_create([EntityYear(**year)], ignore_conflicts=True)
    counter = EntityYear.objects.get(**year)
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, [counter.pk])
    EntityYear.objects.locked().get(pk=counter.pk)
    shared_caps.lock(grant=grant, providers={provider.pk for provider in wish.providers}, at=wish.at)
    Balance.objects.select_for_update(no_key=True).get(pk=grant.account_id)
    redemption = _try(wish, expected_fen)
    assert redemption is not None, "no counter moves while it is locked"
    return redemption


def _stand(wish: _Wish) -> tuple[Standing, Quote]:
    if wish.amount_fen <= 0:
        raise NothingToPay(_("There is nothing to pay."))
    standing = selectors.standing(grant_id=wish.grant_id, providers=wish.providers, category=wish.category, at=wish.at)
    if standing.grant.owner_id != wish.owner.pk:
        raise NotOwner(_("There is no such grant."))
    line = Spending(category=wish.category, provider_listed=_listed(wish, standing), amount_fen=wish.amount_fen)
    terms = selectors.terms(standing.grant.programme_id, standing.grant.version)
    return standing, rules.quote(terms=terms, spending=[line], limits=standing.limits, case=wish.case)


def _listed(wish: _Wish, standing: Standing) -> bool:
    if wish.contracted_on is None:
        return standing.providers_listed
    programme, on = standing.grant.programme, wish.contracted_on
    return programme.open_registry or (
        bool(wish.providers)
        and all(
            registry.is_listed(programme=programme, provider=provider, category=wish.category, on=on)
            for provider in wish.providers
        )
    )


def _redemption(grant: Grant, wish: _Wish, quoted: Quote) -> Redemption:
    redemption = Redemption(
        id=uuid7(),
        created_at=wish.at,
        grant=grant,
        reference=wish.reference,
        status=RedemptionStatus.HELD,
        year=date_of(wish.at).year,
        eligible_fen=quoted.eligible_fen,
        amount_fen=quoted.amount_fen,
        explanation=quoted.explanation() | {"providers": sorted({str(provider.pk) for provider in wish.providers})},
        held_at=wish.at,
        captured_fen=0,
        refunded_fen=0,
    )
    redemption._state.adding = False
    return redemption


def _write(redemption: Redemption, grant: Grant) -> str | None:
    """Write a redemption and its hold in one round trip; return the name of the constraint that refuses them."""
    row: list[Any] = [
        redemption.pk,
        grant.pk,
        grant.account_id,
        redemption.reference,
        redemption.year,
        redemption.eligible_fen,
        redemption.amount_fen,
        json.dumps(redemption.explanation),
        redemption.held_at,
    ]
    answer = _answer(row)
    if answer in REFUSALS:
        return answer
    redemption.hold_id = int(answer)
    return None


def _answer(row: list[Any]) -> str:
    """Return the id of the new hold, or the constraint that refuses; a transaction around this call stays usable."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(TRY_HOLD if connection.in_atomic_block else HOLD, row)
        except IntegrityError as error:
            if constraint_name(error) not in REFUSALS:
                raise
            return constraint_name(error)
        return str(cursor.fetchone()[0])


def _held_before(wish: _Wish) -> Redemption | None:
    found = Redemption.objects.select_related("grant__programme").filter(reference=wish.reference).first()
    if found is None:
        return None
    line = found.explanation["spending"][0]
    if (found.grant_id, line["category"], line["amount_fen"]) != (wish.grant_id, wish.category, wish.amount_fen):
        raise KeyReused(_("The reference %(key)s was used for something else.") % {"key": wish.reference})
    return found
