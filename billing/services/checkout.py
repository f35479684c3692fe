"""Place and cancel orders: the promise and the money for it, in one transaction."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from billing import accounts, selectors
from billing.models import Funding, FundingStatus
from billing.services import covered_hours, early_ends, fundings, purchases, spending_limits
from billing.services.refusals import WalletTooLow
from core.errors import Forbidden, NotFound
from core.money import MICRO_PER_FEN, format_yuan, share_fen
from core.periods import date_of, hour_of
from ledger.models import Hold
from ledger.services import posting
from market.models import Order, OrderStatus, Reservation, TimeInForce
from market.services import orders
from market.services.orders import Demand
from vouchers import filed_prices, integrity, shared_caps
from vouchers import selectors as vouchers
from vouchers.models import Grant, Redemption
from vouchers.rules import Quote
from vouchers.services import redemptions, refusals


class NotABuyer(Forbidden):
    """Only buyers place orders."""

    code = "not-a-buyer"


__all__ = ["CheckoutQuote", "NotABuyer", "WalletTooLow", "cancel", "estimate_fen", "fund", "place", "promise", "quote"]


@dataclass(frozen=True, slots=True)
class CheckoutQuote:
    """What an order would set aside at most, in fen, the voucher's explanation, and until when it stands at most."""

    estimate_fen: int
    voucher_fen: int
    wallet_fen: int
    wallet_available_fen: int
    voucher_quote: Quote | None
    good_till: datetime | None


def estimate_fen(demand: Demand) -> int:
    """Return the most that a demand can cost: every hour at the limit, which may be for all its cards together.

    Each part of an order that is split is a bill of its own, and half a fen of each may be rounded up.
    """
    limits = demand.count if demand.tflops is None else 1
    parts = demand.split.parts if demand.split else 1
    return (2 * limits * demand.hours * demand.limit_micro + parts * MICRO_PER_FEN) // (2 * MICRO_PER_FEN)


def odd_fen(demand: Demand, grant: Grant | None) -> int:
    """Return what a voucher may leave to the wallet beyond its share of the whole: it rounds each part down."""
    if grant is None or demand.split is None:
        return 0
    return (demand.split.parts - 1) * vouchers.terms(grant.programme_id, grant.version).round_unit_fen


def quote(*, buyer: Organization, demand: Demand, grant: Grant | None, at: datetime) -> CheckoutQuote:
    """Tell what ``place`` would set aside, without any effect.

    :raises BadCount: if there is nothing to order: what nobody can place has no price.
    :raises ExpiresFirst: if the voucher could pay for none of the hours.
    """
    orders.check_counts(demand)
    demand = _while_held(_within_programme(demand, grant, at), grant, at)
    estimate = estimate_fen(demand)
    voucher_quote = None
    if grant:
        voucher_quote = redemptions.quote(
            grant=grant,
            owner=buyer,
            category=demand.category,
            providers=demand.providers,
            amount_fen=_covered_fen(demand, grant, estimate, at=at),
            at=at,
            case=purchases.case(grant=grant, buyer=buyer),
            price_micro=orders.card_hour_micro(demand, on=date_of(at)),
        )
    voucher = voucher_quote.amount_fen if voucher_quote else 0
    estimate += odd_fen(demand, grant)
    available = selectors.wallet(buyer).available_fen
    return CheckoutQuote(estimate, voucher, estimate - voucher, available, voucher_quote, demand.good_till)


@transaction.atomic
def place(
    *,
    buyer: Organization,
    demand: Demand,
    grant: Grant | None,
    actor: Actor,
    at: datetime,
) -> Order:
    """Place an order and set aside the most it can cost: the voucher's part first, the rest from the wallet.

    :raises NotABuyer: if the organisation does not buy.
    :raises ApprovalNeeded: if it costs more than one person of the buyer may order.
    :raises WalletTooLow: if the wallet cannot bear its part.
    """
    order, demand = promise(buyer=buyer, demand=demand, grant=grant, at=at)
    fund(order=order, demand=demand, grant=grant, actor=actor, at=at)
    return order


def promise(*, buyer: Organization, demand: Demand, grant: Grant | None, at: datetime) -> tuple[Order, Demand]:
    """Write an order whose money is set aside next, and return it with the demand that it stands for.

    :raises NotABuyer: if the organisation does not buy.
    """
    if buyer.kind != OrganizationKind.BUYER:
        raise NotABuyer(_("Only a buyer can place orders."))
    demand = _while_held(_within_programme(demand, grant, at), grant, at)
    order = orders.place(buyer=buyer, demand=replace(demand, by_voucher=grant is not None), at=at)
    return order, demand


@transaction.atomic
def fund(
    *, order: Order, demand: Demand, grant: Grant | None, actor: Actor, at: datetime, most_fen: int | None = None
) -> Funding:
    """Set aside the most that an order can cost, or ``most_fen`` of it if the rest is set aside later.

    Of hours that begin once a voucher has expired the wallet sets everything aside.

    :raises ApprovalNeeded: if that is above the buyer's limit and nobody approved it.
    :raises ExpiresFirst: if the voucher could pay for none of the hours.
    :raises WalletTooLow: if the wallet cannot bear its part.
    """
    estimate = estimate_fen(demand) if most_fen is None else most_fen
    most = estimate + odd_fen(demand, grant)
    spending_limits.check(order=order, total_fen=most)
    if grant is not None:
        refusals.require_instant(grant)
    redemption = _hold_voucher(order, demand, grant, estimate, at=at) if grant else None
    voucher = redemption.amount_fen if redemption else 0
    wallet_hold = _hold_wallet(order, most - voucher) if most > voucher else None
    funding = Funding.objects.create(
        order=order,
        status=FundingStatus.OPEN,
        estimate_fen=most,
        redemption=redemption,
        voucher_fen=voucher,
        wallet_hold=wallet_hold,
        wallet_fen=most - voucher,
        commission_bp=settings.COMMISSION_BP,
        commission_vat_bp=settings.COMMISSION_VAT_BP,
        voucher_commission_bp=vouchers.platform_fee_bp(grant) if grant else None,
    )
    after = {"estimate_fen": most, "voucher_fen": voucher}
    audit.record(actor=actor, verb="order.placed", thing=order, at=at, after=after)
    return funding


@transaction.atomic
def cancel(*, order: Order, actor: Actor, at: datetime) -> None:
    """Cancel an order that has not started and give back everything set aside for it, but for the fee of a match.

    Where parts of it have started, the rest of it is cancelled, and what they leave is given back when they are over.

    :raises NotFound: if the actor's organisation did not place it.
    :raises WalletTooLow: if the wallet cannot pay the fee that ``early_ends.cancelling`` tells.
    """
    if actor.organization is None or actor.organization.pk != order.buyer_id:
        raise NotFound(_("There is no such order."))
    order = Order.objects.locked().get(pk=order.pk)
    before = {"status": order.status}
    # Hours that were added after it was told what it costs would be given back for nothing.
    list(Reservation.objects.live().filter(order=order).locked().values_list("pk"))
    given_back = early_ends.cancelling(order=order, at=at)
    order = orders.cancel(order=order, at=at)
    fundings.release_vouchers(order=order, at=at)
    for part in given_back:
        early_ends.settle(given_back=part, at=at)
    if order.status == OrderStatus.CANCELLED:
        fundings.close(funding=Funding.objects.get(order=order), at=at)
    fee = sum(part.fee_fen for part in given_back)
    audit.record(actor=actor, verb="order.cancelled", thing=order, at=at, before=before, after={"fee_fen": fee})


def _within_programme(demand: Demand, grant: Grant | None, at: datetime) -> Demand:
    """Return a demand that names no providers as one for those whom the voucher pays: listed, trusted, unrelated.

    Those whose share of the budget is used up are none of them. Where nobody is left it stays as it is: the hold then
    says why.
    """
    if grant is not None:
        refusals.require_instant(grant)
    if grant is None or demand.providers:
        return demand
    unpayable = integrity.unpayable(grant=grant, at=at)
    if grant.programme.open_registry and not unpayable:
        return demand
    listed = Organization.objects.providers() if grant.programme.open_registry else grant.programme.providers
    named = list(listed.order_by("pk"))
    payable = [provider for provider in named if provider.pk not in unpayable]
    needed_fen = share_fen(amount_fen=estimate_fen(demand), ratio_bp=grant.programme.ratio_bp)
    on = date_of(at)
    price_micro = orders.card_hour_micro(demand, on=on)
    filed = filed_prices.within(payable, grant=grant, category=demand.category, price_micro=price_micro, on=on)
    enough = shared_caps.with_share_left(grant=grant, providers=filed, needed_fen=needed_fen)
    return replace(demand, providers=tuple(enough or named))


def _while_held(demand: Demand, grant: Grant | None, at: datetime) -> Demand:
    """Return a demand that stands no longer than its voucher waits for cards: it is given up with what was set aside.

    One that its first clearing gives up waits for nothing.
    """
    until = vouchers.waits_until(grant, at=at) if grant else None
    if until is None or demand.time_in_force == TimeInForce.IMMEDIATE or hour_of(demand.start_max) <= until:
        return demand
    until = min(until, demand.good_till or until)
    return replace(demand, time_in_force=TimeInForce.UNTIL, good_till=until)


def _hold_voucher(order: Order, demand: Demand, grant: Grant, amount_fen: int, *, at: datetime) -> Redemption:
    return redemptions.hold(
        grant=grant,
        owner=order.buyer,
        reference=f"order/{order.pk}",
        category=demand.category,
        providers=demand.providers,
        amount_fen=_covered_fen(demand, grant, amount_fen, at=at),
        at=at,
        case=purchases.case_at_placing(grant=grant, order=order),
        price_micro=orders.card_hour_micro(demand, on=date_of(at)),
    )


def _covered_fen(demand: Demand, grant: Grant, amount_fen: int, *, at: datetime) -> int:
    """Return what of an amount is for hours that a grant can pay, should they begin at the latest."""
    return covered_hours.part_fen(
        grant=grant, estimate_fen=amount_fen, starts_at=demand.start_max, hours=demand.hours, at=at
    )


def _hold_wallet(order: Order, amount_fen: int) -> Hold:
    account = posting.open_account(code=accounts.wallet(order.buyer), floor_fen=0)
    try:
        return posting.hold(key=f"order/{order.pk}", account=account, amount_fen=amount_fen)
    except posting.Overdrawn as error:
        available = selectors.wallet(order.buyer).available_fen
        raise WalletTooLow(
            _("The wallet has ¥%(available)s, the order needs ¥%(needed)s.")
            % {"available": format_yuan(available), "needed": format_yuan(amount_fen)},
            available_fen=available,
            needed_fen=amount_fen,
        ) from error
