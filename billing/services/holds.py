"""Give back of the wallet's holds what hours that were given back can no longer cost."""

from collections.abc import Sequence
from datetime import datetime

from billing.models import Funding
from billing.services import purses, vouchers_first
from billing.services.purses import Purse
from core.money import MICRO_PER_FEN
from core.periods import Period
from ledger.models import Hold, HoldStatus
from ledger.services import posting
from market.models import Order, OrderStatus, Reservation, ReservationStatus
from market.services import card_returns, prices
from vouchers.rules import capture_total_fen

Hours = Sequence[tuple[datetime, int]]


def most_fen(value_micro: int) -> int:
    """Return the most that usage of this value can add to a bill, in fen: what is rounded is rounded up."""
    return -(-value_micro // MICRO_PER_FEN)


def fit(*, reservation: Reservation, funding: Funding, ends_at: datetime, at: datetime) -> None:
    """Let the holds of a locked funding reserve no more than the hours before an instant can still cost.

    A voucher's hold cannot shrink: it is given back when none of its hours is left, else with the end of the order. The
    hold of an order that is served in several parts, or still waits for more of them, stays whole.
    """
    paying = purses.of(funding, reservation)
    price_at, cards_at = prices.agreed(reservation), card_returns.held(reservation)
    hours = list(Period(reservation.starts_at, ends_at).hours()) if ends_at > reservation.starts_at else []
    shared = _is_shared(reservation)
    left = [
        (purse, [(hour, cards_at(hour) * price_at(hour)) for hour in hours if purses.paying(paying, hour) is purse])
        for purse in paying
        if purse.supplement or not shared
    ]
    vouchers_first.release([purse.redemption for purse, mine in left if purse.supplement and not mine], at=at)
    for purse, mine in left:
        if purse.hold and purse.hold.status == HoldStatus.PENDING:
            _shrink(purse.hold, _wallet_fen(purse, mine))


def _is_shared(reservation: Reservation) -> bool:
    """Tell whether the order's own hold is for more than one reservation: it has other parts, or may get them."""
    others = Reservation.objects.filter(order=reservation.order_id).exclude(pk=reservation.pk)
    waits = Order.objects.filter(pk=reservation.order_id, status=OrderStatus.OPEN)
    return others.exclude(status=ReservationStatus.RELEASED).exists() or waits.exists()


def _wallet_fen(purse: Purse, hours: Hours) -> int:
    """Return the most that hours can cost the wallet: what the voucher is sure to pay of them is not its part."""
    most = most_fen(sum(value for _hour, value in hours))
    terms, redemption = purses.voucher_terms(purse), purse.redemption
    if terms is None or redemption is None or terms.is_frozen:
        return most
    eligible = sum(value for hour, value in hours if terms.covers(hour)) // MICRO_PER_FEN
    return most - capture_total_fen(
        ratio_bp=terms.ratio_bp,
        round_unit_fen=terms.round_unit_fen,
        held_fen=redemption.captured_fen + redemption.remaining_fen,
        eligible_used_fen=eligible,
    )


def _shrink(hold: Hold, needed_fen: int) -> None:
    if needed_fen <= hold.captured_fen:
        posting.settle(hold=hold)
    elif needed_fen < hold.amount_fen:
        posting.resize(hold=hold, amount_fen=needed_fen)
