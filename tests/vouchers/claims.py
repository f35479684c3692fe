"""Claims in tests: a port that knows who delivered, captured redemptions of a quarter, and a claim at any stage."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.models import Organization
from core.money import split_fen
from ledger.models import Account
from ledger.selectors import balance_fen
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, numbers, officer
from vouchers import ports
from vouchers.cycles import Period
from vouchers.models import (
    Claim,
    ClaimLine,
    Grant,
    PaymentBatch,
    PayoutAccount,
    Programme,
    Redemption,
)
from vouchers.ports import Share
from vouchers.services import redemptions
from vouchers.services.claims import assembly, bank_results, decisions, payments, payouts, steps
from vouchers.services.claims.decisions import Refusal
from vouchers.services.claims.proofs import Invoice
from vouchers.services.people import MakerIsChecker

LATER = datetime(2025, 7, 11, 4, tzinfo=UTC)  # ten days after the quarter's end
CLAIMANT, OPERATOR, AUDITOR, APPROVER, FINANCE, SECOND, RECONCILER = (
    officer_number for officer_number in range(11, 18)
)
__all__ = ["MakerIsChecker", "steps"]
Q2 = Period(date(2025, 4, 1), date(2025, 7, 1))
AUTUMN = Period(date(2025, 7, 1), date(2025, 10, 1))
WINTER = Period(date(2025, 10, 1), date(2026, 1, 1))
EVER = Period(date(2025, 4, 1), date(2040, 1, 1))
SUMMER_AFTER = Period(date(2026, 4, 1), date(2026, 7, 1))


class Courier:
    """Knows who delivered, and keeps what it was told."""

    def __init__(self) -> None:
        self.providers: dict[UUID, Mapping[Organization, int]] = {}
        self.told: list[tuple[str, int]] = []
        self.failures: list[Exception] = []

    def shares_of(self, redemptions: Sequence[Redemption]) -> Mapping[UUID, list[Share]]:
        """Split what a redemption has paid by weights, as its refunds fall on all alike."""
        return {one.pk: self._shares(one) for one in redemptions if one.pk in self.providers}

    def _shares(self, redemption: Redemption) -> list[Share]:
        weights = self.providers[redemption.pk]
        parts = split_fen(redemption.captured_fen - redemption.refunded_fen, list(weights.values()))
        return [Share(provider, fen) for provider, fen in zip(weights, parts, strict=True)]

    def live_fen(self, **_facts: Any) -> int | None:
        return None

    def evidence_of(self, redemptions: Sequence[Redemption]) -> Mapping[UUID, Mapping[str, Any]]:
        texts = ["batch 1", "sha256 ab12", "2 h"]
        section = {"kind": "usage", "texts": texts, "facts": {"accelerator_ms": 7_200_000}}
        return {one.pk: {"sections": [section]} for one in redemptions}

    def authority_paid(self, *, amount_fen: int, **_facts: Any) -> None:
        self.told.append(("paid", amount_fen))

    def authority_denied(self, *, amount_fen: int, **_facts: Any) -> None:
        if self.failures:
            raise self.failures.pop()
        self.told.append(("denied", amount_fen))


def courier() -> Courier:
    made = Courier()
    ports.register(made)
    return made


def captured(grant: Grant, eligible_fen: int, by: Courier, provider: Organization, *, at: datetime = AT) -> Redemption:
    """Hold what the grant pays of some spending, capture all of it, and close it."""
    redemption = scenes.hold(grant, eligible_fen, at=at, providers=[provider])
    scenes.capture(redemption, redemption.amount_fen, used_at=at, at=at)
    redemptions.release(redemption=redemption, at=at)
    by.providers[redemption.pk] = {provider: 1}
    return Redemption.objects.select_related("grant").get(pk=redemption.pk)


def assembled(programme: Programme, *, at: datetime = LATER, period: Period = Q2) -> Claim:
    (claim,) = assembly.assemble(programme=programme, period=period, at=at)
    return claim


def submitted(claim: Claim, *, at: datetime = LATER, invoice: str = "") -> Claim:
    lines = list(claim.lines.filter(amount_fen__gt=0).values_list("number", flat=True))
    named = Invoice(
        number=invoice or f"{next(numbers):020d}", amount_fen=10**9, issued_on=date(2025, 7, 1), lines=lines
    )
    return steps.submit(
        claim=claim, claimant=claim.claimant, invoices=[named], committed=True, actor=officer(CLAIMANT), at=at
    )


def sampled(claim: Claim, *, at: datetime = LATER, fails: Sequence[int] = ()) -> Claim:
    """Check a submitted claim and audit its sample."""
    steps.check(claim=claim, actor=officer(OPERATOR), at=at)
    claim = steps.sample(claim=claim, actor=officer(OPERATOR), at=at)
    for line in ClaimLine.objects.filter(claim=claim, sampled=True):
        decisions.audit_line(line=line, passed=line.number not in fails, note="seen", actor=officer(AUDITOR), at=at)
    return claim


def decided(claim: Claim, refusals: Mapping[int, Refusal] | None = None, *, at: datetime = LATER) -> Claim:
    return decisions.decide(claim=claim, refusals=refusals, actor=officer(APPROVER), at=at)


def approved(programme: Programme, refusals: Mapping[int, Refusal] | None = None, *, at: datetime = LATER) -> Claim:
    return decided(sampled(submitted(assembled(programme, at=at), at=at), at=at), refusals, at=at)


def account(organization: Organization, *, at: datetime = LATER) -> PayoutAccount:
    made = payouts.declare(
        organization=organization,
        holder=organization.name,
        bank="工商银行庆阳分行",
        number=f"6222{next(numbers):012d}",
        actor=officer(CLAIMANT),
        at=at,
    )
    return payouts.verify(account=made, **permit(made), actor=officer(OPERATOR), at=at)


def permit(account: PayoutAccount) -> dict[str, str]:
    """Return what whoever verifies an account reads in the bank's permit."""
    return {"number": account.number, "compared_with": "开户许可证"}


def batch(*claims: Claim, at: datetime = LATER) -> PaymentBatch:
    for claim in claims:
        steps.take_over(claim=claim, actor=officer(FINANCE), at=at)
    return payments.make_batch(authority=claims[0].programme.authority, claims=claims, actor=officer(FINANCE), at=at)


def answer(made: PaymentBatch, *, failed: Sequence[UUID] = (), at: datetime = LATER, **changes: str) -> bytes:
    """Return what the bank says of a batch."""
    rows = ["reference,amount,result,serial,reason"]
    for one in made.payments.order_by("reference"):
        result = "failed,,wrong account" if one.claim_id in failed else f"paid,B{next(numbers):08d},"
        yuan = f"{one.amount_fen // 100}.{one.amount_fen % 100:02d}"
        rows.append(f"{one.reference},{yuan},{result}")
    return "\n".join(rows).encode()


def paid(claim: Claim, *, at: datetime = LATER) -> Claim:
    """Pay an approved claim."""
    if not claim.claimant.payout_accounts.current().exists():
        account(claim.claimant, at=at)
    made = batch(claim, at=at)
    payments.release(batch=made, actor=officer(SECOND), at=at)
    bank_results.take(batch=made, content=answer(made), actor=officer(FINANCE), at=at)
    return Claim.objects.select_related("programme", "claimant").get(pk=claim.pk)


def fen(code: str) -> int:
    """Return the balance of an account, nothing if it was never opened."""
    found = Account.objects.filter(code=code).first()
    return balance_fen(account=found) if found else 0


def days_later(days: int) -> datetime:
    return LATER + timedelta(days=days)
