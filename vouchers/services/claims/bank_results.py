"""Read what the bank says of a batch: every row must be a payment of it, to the fen, or nothing is taken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from accounts.services.audit import Actor
from core import sheets
from core.errors import Conflict, DomainError
from core.money import parse_scaled
from core.sheets import Sheet, cells, writing
from vouchers.models import (
    BankResult,
    BatchStatus,
    Claim,
    ClaimStatus,
    Payment,
    PaymentBatch,
    PaymentStatus,
)
from vouchers.services.claims import books, clocks, evidence, hands, offsets, settling

COLUMNS = {
    "reference": ("reference", "业务参考号"),
    "amount": ("amount", "金额"),
    "result": ("result", "结果"),
    "serial": ("serial", "银行流水号"),
    "reason": ("reason", "失败原因"),
}
PAID = {"paid", "success", "成功", "已支付"}
FAILED = {"failed", "失败", "退汇"}
NAMES = {cells.folded(name): term for term, names in COLUMNS.items() for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bank says of one payment."""

    line: int
    reference: str
    amount_fen: int
    paid: bool
    serial: str
    reason: str


class BadResult(DomainError):
    """Rows are no answers to this batch; nothing was taken. ``rows`` names them."""

    code = "bad-bank-result"


class NotReleased(Conflict):
    """Only a batch that is with the bank can be answered."""

    code = "batch-not-released"


@transaction.atomic
def take(*, batch: PaymentBatch, content: bytes, actor: Actor, at: datetime) -> BankResult:
    """Take an answer of the bank: claims are paid, or have failed with a reason; the same file again changes nothing.

    :raises UnreadableFile, BadResult: if it is no such file, or one row is not what was sent.
    :raises NotReleased: if the batch is not with the bank.
    :raises Partial: if the person has an interest in a payee.
    """
    batch = PaymentBatch.objects.locked().select_related("authority").get(pk=batch.pk)
    by = hands.bursar(actor, batch)
    sheet = sheets.load(content, known=NAMES)
    file = evidence.keep(content=content, media_type=writing.MEDIA_TYPES[_kind(sheet)], at=at)
    before = BankResult.objects.filter(batch=batch, file=file).first()
    if before:
        return before
    if batch.status != BatchStatus.RELEASED:
        raise NotReleased(_("This batch is not with the bank."))
    payments = {one.reference: one for one in Payment.objects.locked().filter(batch=batch)}
    answers = _answers(sheet, payments)
    _settle_all(answers, payments, by=by, at=at)
    settling.close_if_answered(batch=batch, payments=payments.values())
    return _write(batch, file.sha256, answers, by=by, actor=actor, at=at)


def _kind(sheet: Sheet) -> str:
    return sheets.XLSX if sheet.encoding == sheets.XLSX else sheets.CSV


def _answers(sheet: Sheet, payments: dict[str, Payment]) -> list[Answer]:
    """Return the answers of a file that are new, all of them sound."""
    terms = [NAMES.get(cells.folded(name)) for name in sheet.header]
    if not {"reference", "amount", "result"} <= set(terms):
        raise BadResult(_("The file needs the columns reference, amount and result."), rows=[])
    found, wrong = [], []
    seen: set[str] = set()
    for line, row in sheet.rows:
        named = {term: value for term, value in zip(terms, row, strict=False) if term}
        answer, problem = _read(line, named)
        problem = problem or _mismatch(answer, payments, seen)
        seen.add(named.get("reference", ""))
        if problem:
            wrong.append({"line": line, "detail": problem})
        elif answer and payments[answer.reference].status == PaymentStatus.SENT:
            found.append(answer)
    if wrong or not sheet.rows:
        raise BadResult(_("Rows of the file are no answers to this batch; nothing was taken."), rows=wrong[:100])
    return found


def _read(line: int, named: dict[str, str]) -> tuple[Answer | None, str]:
    result = named.get("result", "").strip().casefold()
    if result not in PAID | FAILED:
        return None, _("The result is neither paid nor failed.")
    try:
        amount_fen = parse_scaled(named.get("amount", ""), decimals=2)
    except ValueError:
        return None, _("The amount is no amount in yuan.")
    serial, reason = named.get("serial", "").strip()[:64], named.get("reason", "").strip()[:200]
    if result in PAID and not serial:
        return None, _("A payment that arrived has a number of the bank.")
    if result in FAILED and not reason:
        return None, _("A payment that failed has a reason.")
    reference = named.get("reference", "").strip()
    answer = Answer(
        line=line, reference=reference, amount_fen=amount_fen, paid=result in PAID, serial=serial, reason=reason
    )
    return answer, ""


def _mismatch(answer: Answer | None, payments: dict[str, Payment], seen: set[str]) -> str:
    assert answer is not None, "a row without a problem is an answer"
    payment = payments.get(answer.reference)
    if payment is None:
        return _("The batch has no such reference.")
    if answer.reference in seen:
        return _("The reference comes twice.")
    if payment.amount_fen != answer.amount_fen:
        return _("The amount is another one.")
    if payment.status == PaymentStatus.SENT:
        return ""
    known = (payment.status == PaymentStatus.PAID, payment.bank_serial)
    return "" if known == (answer.paid, answer.serial) else _("It was answered otherwise.")


def _claims(answers: Iterable[Answer], payments: dict[str, Payment]) -> dict[Any, Claim]:
    ids = [payments[answer.reference].claim_id for answer in answers]
    return {claim.pk: claim for claim in Claim.objects.locked().filter(pk__in=ids).with_names()}


def _settle_all(answers: Sequence[Answer], payments: dict[str, Payment], *, by: User, at: datetime) -> None:
    """Settle what was answered in the order of claims, as batches are made: two batches meet accounts in one order."""
    claims = _claims(answers, payments)
    offsets.lock(payments=list(payments.values()))
    for answer in sorted(answers, key=lambda one: payments[one.reference].claim_id):
        _settle(payments[answer.reference], answer, claims, by=by, at=at)


def _settle(payment: Payment, answer: Answer, claims: dict[Any, Claim], *, by: User, at: datetime) -> None:
    claim = claims[payment.claim_id]
    if not answer.paid:
        payment.move_to(PaymentStatus.FAILED, failure=answer.reason, bank_serial=answer.serial, settled_at=at)
        due_at = clocks.due(ClaimStatus.PAYMENT_FAILED, at)
        claim.move_to(ClaimStatus.PAYMENT_FAILED, due_at=due_at, note=answer.reason)
        event = books.note(claim=claim, kind="fail", by=by, at=at, amount_fen=payment.amount_fen, note=answer.reason)
        books.bounce(claim=claim, event=event)
        return
    settling.pay(payment=payment, claim=claim, serial=answer.serial, by=by, at=at)


def _write(
    batch: PaymentBatch, sha256: str, answers: list[Answer], *, by: User, actor: Actor, at: datetime
) -> BankResult:
    paid = [answer for answer in answers if answer.paid]
    result = BankResult.objects.create(
        batch=batch,
        file_id=sha256,
        imported_by=by,
        imported_at=at,
        paid_count=len(paid),
        failed_count=len(answers) - len(paid),
        paid_fen=sum(answer.amount_fen for answer in paid),
    )
    after = {"sha256": sha256, "paid": result.paid_count, "failed": result.failed_count, "paid_fen": result.paid_fen}
    audit.record(actor=actor, verb="payments.answered", thing=batch, at=at, after=after)
    return result
