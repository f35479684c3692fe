"""What an authority needs to pay or to account for: the claims of a batch, line by line, as a workbook and a PDF."""

import hashlib
from collections.abc import Sequence

from django.utils import translation
from django.utils.translation import gettext as _

from core import sheets
from core.money import format_yuan
from core.prefetching import in_order
from vouchers.models import ClaimLine, Payment, PaymentBatch, PaymentOffset, PaymentStatus
from vouchers.services.claims import offsets, typesetting
from vouchers.services.claims.packs import OFFICIAL


def workbook(*, batch: PaymentBatch) -> bytes:
    """Return every accepted line of a batch's claims as xlsx, less what is set off, with check totals; no formulas."""
    lines = ClaimLine.objects.accepted().filter(claim__payments__batch=batch)
    named = lines.select_related("claim__programme", "claim__claimant", "buyer", "provider", "redemption")
    proved = named.prefetch_related(*in_order(ClaimLine, "invoices"))
    ordered = list(proved.order_by("claim__programme", "claim__number", "number"))
    with translation.override(OFFICIAL):
        less = [_offset_row(part) for part in offsets.of_batch(batch)]
        accepted_fen = sum(line.accepted_fen or 0 for line in ordered)
        total = [_("Total (¥)"), *[""] * 9, format_yuan(accepted_fen - batch.offset_fen), ""]
        return sheets.write(sheets.XLSX, _header(), [*map(_row, ordered), *less, total], title=_("Claims"))


def summary(*, batch: PaymentBatch) -> bytes:
    """Return the claims of a batch as a PDF of one table, what is set off and why, and room for three signatures."""
    named = Payment.objects.filter(batch=batch).select_related("claim__programme", "claim__claimant")
    payments = list(named.order_by("claim__programme", "claim__number"))
    digest = hashlib.sha256(workbook(batch=batch)).hexdigest() if batch.file_id is None else batch.file_id
    with translation.override(OFFICIAL):
        return typesetting.pdf("reimbursement", _pages(batch, payments, digest))


def _header() -> list[str]:
    return [
        _("Claim"),
        _("Line"),
        _("Programme"),
        _("Claimant"),
        _("Unified social credit code"),
        _("Buyer"),
        _("Provider"),
        _("Contract number"),
        _("Invoices"),
        _("Eligible (¥)"),
        _("Accepted (¥)"),
        _("Redemption"),
    ]


def _row(line: ClaimLine) -> list[str]:
    claim = line.claim
    return [
        claim.display_number,
        str(line.number),
        claim.programme.name,
        claim.claimant.name,
        claim.claimant.credit_code,
        line.buyer.name,
        line.provider.name if line.provider else "",
        line.contract_no,
        " ".join(invoice.number for invoice in line.invoices.all()),
        format_yuan(line.eligible_fen),
        format_yuan(line.accepted_fen or 0),
        str(line.redemption_id),
    ]


def _offset_row(part: PaymentOffset) -> list[str]:
    payment = part.payment
    named = [payment.claim.display_number, "", payment.claim.programme.name, payment.payee.name]
    return [*named, payment.payee.credit_code, "", "", "", offsets.reason(part), "", format_yuan(-part.amount_fen), ""]


def _pages(batch: PaymentBatch, payments: Sequence[Payment], digest: str) -> dict[str, object]:
    return {
        "labels": _labels(),
        "number": f"{batch.authority.name} · {batch}",
        "sha256": digest,
        "head": [
            [_("Authority"), batch.authority.name],
            [_("Payments"), str(batch.payments_count)],
            [_("Total (¥)"), format_yuan(batch.total_fen)],
        ],
        "claims": [_claim(payment) for payment in payments],
        "offsets": [{"reason": offsets.reason(part), "amount": part.amount_fen} for part in offsets.of_batch(batch)],
        "total": batch.total_fen,
    }


def _labels() -> dict[str, object]:
    amounts = [_("Claimed (¥)"), _("Approved (¥)"), _("Set off (¥)"), _("To pay (¥)")]
    return {
        "title": _("Summary of voucher claims to be paid"),
        "claims": _("Claims"),
        "columns": [_("Claim"), _("Claimant"), *amounts, _("State")],
        "offsets": _("Set off against repayments that are owed"),
        "offset_columns": [_("Reason"), _("Set off (¥)")],
        "total": _("Total (¥)"),
        "footer": _("SHA-256 of the bank file"),
        "signatures": [_("Made by"), _("Released by"), _("Seal")],
    }


def _claim(payment: Payment) -> dict[str, object]:
    return {
        "number": payment.claim.display_number,
        "claimant": payment.claim.claimant.name,
        "claimed": payment.claim.amount_fen,
        "approved": payment.whole_fen,
        "offset": payment.offset_fen,
        "paid": payment.amount_fen,
        "state": str(PaymentStatus(payment.status).label),
    }
