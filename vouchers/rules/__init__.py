"""Which spending a voucher may pay, how much, and why. Pure: integers in, integers and reasons out.

All amounts are fen, all ratios basis points. What is rounded is rounded down: public money never pays the odd fen.
``quoting`` has the order of calculation, and every stage of it is a function of its own.
"""

from vouchers.rules.amounts import capture_total_fen, floor_to, refund_total_fen, shares_fen
from vouchers.rules.case import BadSpending, Case, DiscountGiven, Limits, Spending, Support
from vouchers.rules.quoting import Quote, quote, replay
from vouchers.rules.steps import Cap, Refusal, Step, StepCode
from vouchers.rules.terms import Terms, terms_of

__all__ = [
    "BadSpending",
    "Cap",
    "Case",
    "DiscountGiven",
    "Limits",
    "Quote",
    "Refusal",
    "Spending",
    "Step",
    "StepCode",
    "Support",
    "Terms",
    "capture_total_fen",
    "floor_to",
    "quote",
    "refund_total_fen",
    "replay",
    "shares_fen",
    "terms_of",
]
