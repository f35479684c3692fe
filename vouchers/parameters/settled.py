"""What the platform does in one way only: a programme that says otherwise is refused, not kept in vain. Pure."""

from collections.abc import Iterator

from vouchers.parameters import Parameters
from vouchers.parameters.allocation import Method
from vouchers.parameters.eligibility import BlacklistScope
from vouchers.parameters.money import Oversubscription
from vouchers.parameters.redemption import RefundAfterExpiry
from vouchers.parameters.settlement import InvoiceMode, PartialFunding

SHARING = {Oversubscription.PRO_RATA: Method.WINDOW_BATCH, Oversubscription.RANK_CUT: Method.RANK}


def otherwise(parameters: Parameters) -> Iterator[tuple[str, str]]:
    """Yield the path and a code for everything that a programme says and the platform never does."""
    settlement = parameters.settlement
    as_it_is = {
        ("redemption.running_order_hold", "RUNNING_ORDERS_ARE_HELD"): parameters.redemption.running_order_hold,
        (
            "redemption.fallback_payment_required",
            "BUYERS_PAY_THE_REST",
        ): parameters.redemption.fallback_payment_required,
        ("validity.refund_after_expiry", "REFUNDS_LAPSE"): parameters.validity.refund_after_expiry
        is RefundAfterExpiry.LAPSE,
        ("eligibility.blacklist_scope", "BARS_COUNT_EVERYWHERE"): parameters.eligibility.blacklist_scope
        is BlacklistScope.PLATFORM,
        ("settlement.dual_review", "PAYMENTS_TAKE_TWO"): settlement.dual_review,
        ("settlement.verify_payout_account", "ACCOUNTS_ARE_VERIFIED"): settlement.verify_payout_account,
        ("settlement.partial_funding", "CLAIMS_ARE_PAID_WHOLE"): settlement.partial_funding is PartialFunding.WAIT,
        ("settlement.invoice_mode", "INVOICES_ARE_WHOLE"): settlement.invoice_mode is InvoiceMode.FULL_TO_BUYER,
        ("money.admin_cost_in_budget", "BUDGETS_ARE_FOR_VOUCHERS"): not parameters.money.admin_cost_in_budget,
        ("money.oversubscription", "SHARED_BY_ITS_METHOD"): _shared(parameters),
    }
    yield from (named for named, is_so in as_it_is.items() if not is_so)


def _shared(parameters: Parameters) -> bool:
    """Whether a programme can share what is short as it says: by shares in a window, by rank where it ranks."""
    needed = SHARING.get(parameters.money.oversubscription)
    return needed in (None, parameters.allocation.method)
