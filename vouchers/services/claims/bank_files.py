"""The file of a batch for the bank: one row a payment, check totals, then what was set off and why; no formulas."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from core import sheets
from core.money import format_yuan
from core.sheets import writing
from vouchers.models import Payment, PaymentBatch, PaymentOffset
from vouchers.services.claims import offsets

MEDIA_TYPE = writing.MEDIA_TYPES[sheets.CSV]
HEADER = ("reference", "holder", "account", "bank", "amount", "purpose")
TOTAL, SET_OFF = "TOTAL", "SET-OFF"


def write(*, batch: PaymentBatch, payments: Sequence[Payment], kind: str = sheets.CSV) -> bytes:
    """Return a batch as CSV or xlsx; ``TOTAL`` says how many payments the bank makes and what they come to.

    Behind it, for whoever compares, is a row for each part that no bank pays because its payee owes it.
    """
    rows = [_row(payment) for payment in sorted(payments, key=lambda one: one.reference) if payment.amount_fen]
    total = (TOTAL, "", "", "", format_yuan(batch.total_fen), str(len(rows)))
    return sheets.write(kind, HEADER, [*rows, total, *map(_set_off, offsets.of_batch(batch))])


def _set_off(part: PaymentOffset) -> tuple[str, ...]:
    return (SET_OFF, part.payment.holder, "", "", format_yuan(-part.amount_fen), offsets.reason(part))


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
