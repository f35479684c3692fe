"""What a voucher refuses, and the error behind each reason of a quote."""

from typing import NoReturn

from django.utils.translation import gettext as _

from core.errors import Conflict, DomainError, NotFound
from core.money import format_yuan
from vouchers import explanations
from vouchers.models import Grant, ProgrammeMode
from vouchers.rules import Quote, Refusal


class NotOwner(NotFound):
    """The grant belongs to another firm, which looks like no grant at all."""


class NothingToPay(DomainError):
    """There is no spending to pay for."""

    code = "nothing-to-pay"


class GrantNotUsable(Conflict):
    """The grant is not approved, or is expired or revoked."""

    code = "grant-not-usable"


class Barred(Conflict):
    """The firm or a provider is barred from vouchers for a while."""

    code = "blacklisted"


class RelatedParty(Conflict):
    """Buyer and provider are related parties."""

    code = "related-party"


class ProgrammeNotOpen(Conflict):
    """The programme is paused."""

    code = "programme-not-open"


class CategoryNotEligible(DomainError):
    """The programme does not pay for this category."""

    code = "category-not-eligible"


class ProviderNotListed(DomainError):
    """The programme pays listed providers only."""

    code = "provider-not-listed"


class PriceNotFiled(DomainError):
    """A provider has filed no price for this, or one that is below the most that a card-hour may cost here."""

    code = "price-not-filed"


class NotAtCheckout(DomainError):
    """The programme pays after a claim: nothing is deducted from an order."""

    code = "not-at-checkout"


class NotPaidFor(DomainError):
    """The programme does not pay for this spending, or not beside other support; the explanation says why."""

    code = "not-paid-for"


class NotFirstPurchase(DomainError):
    """The programme pays for a firm's first purchase only, and this is another one."""

    code = "not-first-purchase"


class TooManyVouchers(Conflict):
    """The order uses as many vouchers of the programme as its ``redemption.vouchers_per_order_max`` lets it."""

    code = "too-many-vouchers"


class BelowMinimum(DomainError):
    """The award would be smaller than the programme's smallest."""

    code = "below-minimum"


class Short(Conflict):
    """A cap leaves nothing, or the programme does not pay in part; ``cap`` names it."""

    code = "voucher-short"


class QuoteChanged(Conflict):
    """The voucher pays less than the caller was told; ``amount_fen`` is what it pays now."""

    code = "quote-changed"


def require_instant(grant: Grant) -> None:
    """Check that a grant may be deducted from an order.

    :raises NotAtCheckout: if its programme pays after a claim.
    """
    if grant.programme.mode != ProgrammeMode.INSTANT_DEDUCT:
        raise NotAtCheckout(_("This voucher is not deducted from orders: pay in full and claim what it pays."))


def refuse(quoted: Quote) -> NoReturn:
    """Raise what a quote says, or that it pays less than the caller was told."""
    if quoted.refused is None:
        detail = _("The voucher now pays ¥%(amount)s only.") % {"amount": format_yuan(quoted.amount_fen)}
        raise QuoteChanged(detail, amount_fen=quoted.amount_fen)
    refusal, detail = _refusals().get(quoted.refused) or (NotPaidFor, _said(quoted))
    cap = quoted.binding_cap and str(quoted.binding_cap)
    words = {"cap": cap, "most": quoted.terms.vouchers_per_order_max}
    raise refusal(detail % words, cap=cap, explanation=quoted.explanation())


def _said(quoted: Quote) -> str:
    return explanations.sentences(quoted.explanation())[-1].replace("%", "%%")


def _refusals() -> dict[Refusal, tuple[type[DomainError], str]]:
    return {
        Refusal.PROGRAMME_NOT_OPEN: (ProgrammeNotOpen, _("The programme is paused.")),
        Refusal.GRANT_NOT_USABLE: (GrantNotUsable, _("This grant cannot be used.")),
        Refusal.BLACKLISTED: (Barred, _("A party is barred from vouchers.")),
        Refusal.RELATED_PARTY: (RelatedParty, _("Vouchers pay nothing between related parties.")),
        Refusal.CATEGORY_NOT_ELIGIBLE: (CategoryNotEligible, _("The programme does not pay for this category.")),
        Refusal.PROVIDER_NOT_LISTED: (ProviderNotListed, _("The programme pays listed providers only.")),
        Refusal.PRICE_NOT_FILED: (
            PriceNotFiled,
            _("The programme pays up to the prices that providers filed: lower the price, or choose others."),
        ),
        Refusal.NOT_FIRST_PURCHASE: (
            NotFirstPurchase,
            _("The programme pays for a firm's first purchase of compute only."),
        ),
        Refusal.TOO_MANY_VOUCHERS: (
            TooManyVouchers,
            _("Vouchers of this programme that one order may use, at most: %(most)s."),
        ),
        Refusal.BELOW_MINIMUM: (BelowMinimum, _("The award would be smaller than the programme's smallest.")),
        Refusal.SHORT: (Short, _("The voucher has not enough left under this cap: %(cap)s.")),
    }
