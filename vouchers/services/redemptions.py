"""Use a grant: quote, hold, capture what was really used, release the rest, take refunds back.

A hold is one round trip that writes first and touches shared counters last (``voucher_hold`` in the migrations). It
reads nothing under a lock. Only when a counter refuses it does a second try read the limits under their locks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from msgspec.structs import replace

from accounts.models import Organization
from core.ids import uuid7
from core.periods import date_of
from ledger.services.posting import KeyReused
from vouchers import filed_prices, rules, selectors
from vouchers.models import Grant, Redemption, RedemptionStatus
from vouchers.rules import Case, Quote, Spending, Terms
from vouchers.rules.quoting import NOTHING_MORE
from vouchers.selectors import Standing
from vouchers.services import hold_locks, hold_writing, paid_already, parties, refusals, registry
from vouchers.services.applications import stating
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
from vouchers.services.paid_already import PLACED, Claimed
from vouchers.services.refusals import (
    Barred,
    BelowMinimum,
    CategoryNotEligible,
    GrantNotUsable,
    NotFirstPurchase,
    NothingToPay,
    NotOwner,
    PriceNotFiled,
    ProgrammeNotOpen,
    ProviderNotListed,
    QuoteChanged,
    RelatedParty,
    Short,
    TooManyVouchers,
)

__all__ = [
    "Barred",
    "BelowMinimum",
    "CaptureItem",
    "CategoryNotEligible",
    "Claimed",
    "DemandedBack",
    "GrantNotUsable",
    "NotFirstPurchase",
    "NotOwner",
    "NothingToPay",
    "PriceNotFiled",
    "ProgrammeNotOpen",
    "ProviderNotListed",
    "QuoteChanged",
    "RedemptionClosed",
    "RelatedParty",
    "Short",
    "TooManyVouchers",
    "UsedAfterExpiry",
    "capture_many",
    "hold",
    "payable_fen",
    "quote",
    "refund",
    "release",
]


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
    price_micro: int | None = None
    beside: tuple[Redemption, ...] = ()
    claimed: Claimed = PLACED


def quote(
    *,
    grant: Grant,
    owner: Organization,
    category: str,
    providers: Sequence[Organization],
    amount_fen: int,
    at: datetime,
    case: Case = NOTHING_MORE,
    price_micro: int | None = None,
    beside: Sequence[Redemption] = (),
) -> Quote:
    """Say what a grant would pay of ``amount_fen`` now, and why. Nothing is locked and nothing changes.

    With several acceptable providers all of them must be listed. A refusal is an answer, not an error. ``case`` is what
    is known around the spending: facts for tiers, other support, the days of the contract. ``beside`` is what else
    vouchers pay of the same order, ``price_micro`` the most that a card-hour of it costs.

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
        price_micro=price_micro,
        beside=tuple(beside),
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
    price_micro: int | None = None,
    beside: Sequence[Redemption] = (),
    claimed: Claimed = PLACED,
) -> Redemption:
    """Set aside what a grant pays of ``amount_fen``; the same reference again returns the first redemption.

    :param beside: as for ``quote``; the caller holds a lock under which nothing else is set aside for that order.
    :raises NotOwner, NothingToPay, GrantNotUsable, ProgrammeNotOpen, Barred, RelatedParty, NotFirstPurchase: as quoted.
    :raises TooManyVouchers, CategoryNotEligible, ProviderNotListed, PriceNotFiled, BelowMinimum, Short: as quoted.
    :raises QuoteChanged, KeyReused: if it pays less than ``expected_fen``, or the reference stands for another wish.
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
        price_micro=price_micro,
        beside=tuple(beside),
        claimed=claimed,
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
    refused = hold_writing.write(redemption, grant)
    if refused == hold_writing.HELD_BEFORE:
        return _held_before(wish)
    if refused is None and grant.days_from_first_use:
        grant.refresh_from_db(fields=["expires_at", "days_from_first_use"])
    if refused is None and standing.ties:
        parties.note_flagged(redemption=redemption, ties=standing.ties, at=wish.at)
    return None if refused else redemption


@transaction.atomic
def _try_under_locks(wish: _Wish, expected_fen: int | None) -> Redemption:
    """Hold what the limits allow now, with every counter locked in the order in which ``voucher_hold`` takes them."""
    providers = {provider.pk for provider in wish.providers}
    hold_locks.take(grant_id=wish.grant_id, reference=wish.reference, providers=providers, at=wish.at)
    redemption = _try(wish, expected_fen)
    assert redemption is not None, "no counter moves while it is locked"
    return redemption


def _stand(wish: _Wish) -> tuple[Standing, Quote]:
    if wish.amount_fen <= 0:
        raise NothingToPay(_("There is nothing to pay."))
    standing = selectors.standing(grant_id=wish.grant_id, providers=wish.providers, category=wish.category, at=wish.at)
    if standing.grant.owner_id != wish.owner.pk:
        raise NotOwner(_("There is no such grant."))
    listed, (terms, case) = _listed(wish, standing), _judged(wish, standing.grant)
    prices = filed_prices.of_spending(
        grant=standing.grant,
        providers=wish.providers,
        category=wish.category,
        price_micro=wish.price_micro,
        on=date_of(wish.at),
    )
    line = Spending(category=wish.category, provider_listed=listed, amount_fen=wish.amount_fen, **prices)
    limits = paid_already.left(standing.limits, terms, standing.grant, beside=wish.beside, claimed=wish.claimed)
    return standing, rules.quote(terms=terms, spending=[line], limits=limits, case=case)


def _judged(wish: _Wish, grant: Grant) -> tuple[Terms, Case]:
    """Return by what a wish is judged; nobody is waived the yearly cap here: the database holds everyone to it."""
    terms = selectors.terms(grant.programme_id, grant.version)
    if terms.cap_waiver is not None:
        terms = replace(terms, cap_waiver=None)
    return terms, stating.known(wish.case, grant=grant, terms=terms, at=wish.at)


def _listed(wish: _Wish, standing: Standing) -> bool:
    if wish.claimed.contracted_on is None:
        return standing.providers_listed
    programme, on = standing.grant.programme, wish.claimed.contracted_on
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


def _held_before(wish: _Wish) -> Redemption | None:
    found = Redemption.objects.select_related("grant__programme").filter(reference=wish.reference).first()
    if found is None:
        return None
    line = found.explanation["spending"][0]
    if (found.grant_id, line["category"], line["amount_fen"]) != (wish.grant_id, wish.category, wish.amount_fen):
        raise KeyReused(_("The reference %(key)s was used for something else.") % {"key": wish.reference})
    return found
