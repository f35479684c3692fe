"""The file of a batch for the bank: one row a payment, check totals at its end, no cell that a spreadsheet runs."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from core import sheets
from core.money import format_yuan
from core.sheets import writing
from vouchers.models import Payment, PaymentBatch

MEDIA_TYPE = writing.MEDIA_TYPES[sheets.CSV]
HEADER = ("reference", "holder", "account", "bank", "amount", "purpose")
TOTAL = "TOTAL"


def write(*, batch: PaymentBatch, payments: Sequence[Payment], kind: str = sheets.CSV) -> bytes:
    """Return a batch as CSV or xlsx; the last row names how many payments there are and what they come to."""
    rows = [_row(payment) for payment in sorted(payments, key=lambda one: one.reference)]
    total = (TOTAL, "", "", "", format_yuan(batch.total_fen), str(batch.payments_count))
    return sheets.write(kind, HEADER, [*rows, total])


def _row(payment: Payment) -> tuple[str, ...]:
    purpose = _("Voucher claim %(number)s") % {"number": payment.claim.display_number}
    return (
        payment.reference,
        payment.holder,
        payment.account_number,
        payment.bank,
        format_yuan(payment.amount_fen),
        purpose,
    )
