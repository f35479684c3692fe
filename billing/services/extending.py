"""Extend a reservation through checkout: the hours, their prices and the money for them, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from billing import accounts, selectors
from billing.models import Funding, FundingStatus, InstalmentPlan, Supplement
from billing.services import charges, covered_hours, holds, purchases, spending_limits, taken_lines
from billing.services.refusals import WalletTooLow
from core.errors import Conflict
from core.ids import uuid7
from core.money import format_micro, format_yuan
from core.periods import HOUR, Period
from ledger.models import Hold
from ledger.services import posting
from market.models import Order, Reservation
from market.pricing import average_micro
from market.services import extensions, lifecycle, prices
from market.services.extensions import NotExtendable
from vouchers import selectors as vouchers
from vouchers.models import Grant, Redemption
from vouchers.rules import Quote
from vouchers.services import redemptions, refusals


class PriceRisen(Conflict):
    """An hour costs more than the caller would pay."""

    code = "price-risen"


class OtherHours(Conflict):
    """What was asked for are no longer the hours that follow the reservation."""

    code = "other-hours"


@dataclass(frozen=True, slots=True)
class ExtensionQuote:
    """What an extension would set aside, in fen, at which prices, and the voucher's explanation.

    ``lines_fen`` comes on top, in cash, for the lines that go on with it.
    """

    starts_at: datetime
    ends_at: datetime
    price_micro: int
    hourly_micro: tuple[int, ...]
    estimate_fen: int
    voucher_fen: int
    wallet_fen: int
    wallet_available_fen: int
    voucher_quote: Quote | None
    lines_fen: int = 0


def quote(*, reservation: Reservation, hours: int, grant: Grant | None, at: datetime) -> ExtensionQuote:
    """Tell what ``extend`` would set aside now, without any effect; whether cards are free shows when it is done.

    :raises BadHours: if the number makes no sense.
    """
    order = reservation.order
    hourly = extensions.hourly_prices(reservation=reservation, hours=hours)
    estimate = _estimate_fen(reservation, hourly)
    voucher_quote = _voucher_quote(reservation, grant, estimate, hourly, at=at) if grant else None
    voucher = voucher_quote.amount_fen if voucher_quote else 0
    available = selectors.wallet(order.buyer).available_fen
    ends_at = reservation.ends_at + hours * HOUR
    return ExtensionQuote(
        reservation.ends_at,
        ends_at,
        average_micro(hourly),
        hourly,
        estimate,
        voucher,
        estimate - voucher,
        available,
        voucher_quote,
        taken_lines.carrying_on_fen(reservation=reservation, hours=hours),
    )


@transaction.atomic
def extend(
    *,
    reservation: Reservation,
    hours: int,
    grant: Grant | None,
    actor: Actor,
    at: datetime,
    most_micro: int | None = None,
    begins_at: datetime | None = None,
) -> Supplement:
    """Let the buyer hold the following hours too, at the prices of now, and set the money for them aside.

    The lines that run to its end go on at their own prices. Whoever chose the hours before says when they begin.

    :raises NotFound: if the actor's organisation did not buy it.
    :raises BadHours, NotExtendable, Overbooked: as ``extensions.extend`` does.
    :raises OtherHours: if the hours that follow begin at another time by now.
    :raises PriceRisen: if a card-hour costs more than ``most_micro``.
    :raises ApprovalNeeded: if the order then costs more than its buyer's limit, and than what was approved.
    :raises ExpiresFirst, WalletTooLow: if the voucher could pay for none of the hours, or the wallet not its part.
    """
    lifecycle.buyer_of(reservation, actor)
    if InstalmentPlan.objects.active().filter(reservation=reservation).exists():
        raise NotExtendable(_("A block is extended once all its months are set aside."))
    extended = extensions.extend(reservation=reservation, hours=hours, at=at, actor=actor)
    added, price_at = Period(extended.ends_at - hours * HOUR, extended.ends_at), prices.agreed(extended)
    _check_beginning(added, begins_at)
    hourly = [price_at(hour) for hour in added.hours()]
    _check_prices(hourly, most_micro)
    estimate = _estimate_fen(extended, hourly)
    supplement = set_aside(reservation=extended, hours=added, estimate_fen=estimate, grant=grant, at=at)
    lines = taken_lines.carry_on(supplement=supplement, at=at)
    after = {
        "hours": hours,
        "estimate_fen": supplement.estimate_fen,
        "voucher_fen": supplement.voucher_fen,
        "lines_fen": sum(line.estimate_fen for line in lines),
    }
    audit.record(actor=actor, verb="reservation.extended", thing=extended, at=at, after=after)
    return supplement


def _estimate_fen(reservation: Reservation, hourly_micro: Sequence[int]) -> int:
    return holds.most_fen(reservation.cards * sum(hourly_micro))


def _check_beginning(hours: Period, begins_at: datetime | None) -> None:
    if begins_at not in (None, hours.starts_at):
        raise OtherHours(_("The reservation ends at another time by now: ask for its extension again."))


def _check_prices(hourly_micro: Sequence[int], most_micro: int | None) -> None:
    dearest = max(hourly_micro)
    if most_micro is not None and dearest > most_micro:
        text = _("A card-hour costs up to %(price)s yuan by now.") % {"price": format_micro(dearest)}
        raise PriceRisen(text, price_micro=dearest)


def set_aside(
    *, reservation: Reservation, hours: Period, estimate_fen: int, grant: Grant | None, at: datetime
) -> Supplement:
    """Set aside beside the order's funding what hours of a locked reservation can cost at most.

    :raises ApprovalNeeded, ExpiresFirst, WalletTooLow: as ``extend`` does.
    """
    funding = charges.locked_funding(reservation)
    if funding.status == FundingStatus.CLOSED:
        raise NotExtendable(_("The order of this reservation is over."))
    spending_limits.check(order=funding.order, total_fen=spending_limits.committed_fen(funding) + estimate_fen)
    supplement_id = uuid7()
    reference = f"supplement/{supplement_id}"
    if grant is not None:
        refusals.require_instant(grant)
    redemption = _hold_voucher(reservation, reference, grant, estimate_fen, hours, at=at) if grant else None
    voucher = redemption.amount_fen if redemption else 0
    wallet = estimate_fen - voucher
    return Supplement.objects.create(
        id=supplement_id,
        funding=funding,
        reservation=reservation,
        number=1 + reservation.supplements.count(),
        starts_at=hours.starts_at,
        ends_at=hours.ends_at,
        estimate_fen=estimate_fen,
        redemption=redemption,
        voucher_fen=voucher,
        wallet_hold=_hold_wallet(funding, reference, wallet) if wallet else None,
        wallet_fen=wallet,
        voucher_commission_bp=vouchers.platform_fee_bp(grant) if grant else None,
    )


def _voucher_quote(
    reservation: Reservation, grant: Grant, estimate_fen: int, hourly: Sequence[int], *, at: datetime
) -> Quote:
    order = reservation.order
    hours = Period(reservation.ends_at, reservation.ends_at + len(hourly) * HOUR).hours()
    values = [(hour, reservation.cards * price) for hour, price in zip(hours, hourly, strict=True)]
    amount_fen = covered_hours.priced_fen(grant=grant, estimate_fen=estimate_fen, values=values, at=at)
    return redemptions.quote(
        grant=grant,
        owner=order.buyer,
        category=order.category,
        providers=[reservation.provider],
        amount_fen=amount_fen,
        at=at,
        case=purchases.case_of(grant=grant, order=order),
        price_micro=max(hourly),
        beside=purchases.redemptions_of(order),
    )


def _hold_voucher(
    reservation: Reservation, reference: str, grant: Grant, estimate_fen: int, hours: Period, *, at: datetime
) -> Redemption:
    price_at = prices.agreed(reservation)
    values = [(hour, reservation.cards * price_at(hour)) for hour in hours.hours()]
    amount_fen = covered_hours.priced_fen(grant=grant, estimate_fen=estimate_fen, values=values, at=at)
    order = Order.objects.select_related("buyer").get(pk=reservation.order_id)
    return redemptions.hold(
        grant=grant,
        owner=order.buyer,
        reference=reference,
        category=order.category,
        providers=[reservation.provider],
        amount_fen=amount_fen,
        at=at,
        case=purchases.case_of(grant=grant, order=order),
        price_micro=max(price_at(hour) for hour in hours.hours()),
        beside=purchases.redemptions_of(order),
    )


def _hold_wallet(funding: Funding, key: str, amount_fen: int) -> Hold:
    buyer = funding.order.buyer
    account = posting.open_account(code=accounts.wallet(buyer), floor_fen=0)
    try:
        return posting.hold(key=key, account=account, amount_fen=amount_fen)
    except posting.Overdrawn as error:
        available = selectors.wallet(buyer).available_fen
        words = {"available": format_yuan(available), "needed": format_yuan(amount_fen)}
        text = _("The wallet has ¥%(available)s, the added hours need ¥%(needed)s.") % words
        raise WalletTooLow(text, available_fen=available, needed_fen=amount_fen) from error
