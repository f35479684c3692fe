"""Public money after the month: what authorities owe is claimed, checked, sampled, decided, paid and reconciled.

One pays providers for what vouchers deducted at once; one pays a firm back out of a grant that it applied for; one
reimburses what was spent, without any grant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Sum

from accounts.models import Organization, User
from accounts.services.audit import Actor
from billing.models import Charge
from config.demo.applying import officer
from core.money import format_yuan
from core.periods import date_of
from vouchers.cycles import Period
from vouchers.models import Claim, ClaimLine, Grant, PaymentBatch, Programme
from vouchers.services.claims import (
    assembly,
    bank_results,
    decisions,
    payments,
    payouts,
    spending,
    steps,
)
from vouchers.services.claims.proofs import Invoice
from vouchers.services.claims.spending import Spending

INVOICE_DIGITS = 20
LEAST_FEN = 1_00


@dataclass(frozen=True, slots=True)
class Desk:
    """Whose hands a claim passes: the operator's two, and those of the authority that pays."""

    operator: Organization
    at: datetime

    def of_operator(self, number: int) -> Actor:
        return Actor(user=User.objects.get(username=f"operator{number}"), organization=self.operator)

    def settle(self, claims: Sequence[Claim]) -> None:
        """Take handed-in claims of one authority through check, sample, decision, payment and reconciliation."""
        authority = claims[0].programme.authority
        approved = [self._decided(claim) for claim in claims]
        for claim in approved:
            self._account(claim.claimant)
            steps.take_over(claim=claim, actor=officer("treasurer1", authority), at=self.at)
        batch = payments.make_batch(
            authority=authority, claims=approved, actor=officer("treasurer1", authority), at=self.at
        )
        batch = payments.release(batch=batch, actor=officer("treasurer2", authority), at=self.at)
        bank_results.take(batch=batch, content=_paid(batch), actor=officer("treasurer1", authority), at=self.at)
        payments.reconcile(batch=batch, actor=officer("treasurer2", authority), at=self.at)

    def _decided(self, claim: Claim) -> Claim:
        checker = self.of_operator(1)
        claim = steps.check(claim=claim, actor=checker, at=self.at)
        claim = steps.sample(claim=claim, actor=checker, at=self.at)
        for line in ClaimLine.objects.filter(claim=claim, sampled=True):
            decisions.audit_line(line=line, passed=True, note="与凭证一致", actor=self.of_operator(2), at=self.at)
        return decisions.decide(claim=claim, actor=officer("officer2", claim.programme.authority), at=self.at)

    def _account(self, payee: Organization) -> None:
        """Let a payee name its bank account once, and the operator verify it."""
        if payee.payout_accounts.current().exists():
            return
        account = payouts.declare(
            organization=payee,
            holder=payee.name,
            bank="演示银行",
            number=f"6222{payee.credit_code[-13:-1]:>012}".translate(LETTERS),
            actor=officer(_person_of(payee), payee),
            at=self.at,
        )
        seen = {"number": account.number, "compared_with": "开户许可证"}
        payouts.verify(account=account, **seen, actor=self.of_operator(1), at=self.at)


# Credit codes have letters, account numbers have not.
LETTERS = {ord(letter): str(number % 10) for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}


def of_providers(*, programme: Programme, since: date, desk: Desk) -> list[Claim]:
    """Assemble and hand in what providers are owed for vouchers that paid at once."""
    period = Period(since, date_of(desk.at) + timedelta(days=1))
    made = assembly.assemble(programme=programme, period=period, actor=desk.of_operator(2), at=desk.at)
    return [_handed_in(claim, at=desk.at) for claim in made]


def of_buyer(
    *, programme: Programme, claimant: Organization, contract_no: str, grant: Grant | None = None, desk: Desk
) -> Claim:
    """Put together and hand in what a firm paid itself in the month, a line for each provider."""
    claim = spending.put_together(
        programme=programme,
        claimant=claimant,
        spendings=_spent(claimant, contract_no, desk.at),
        grant=grant,
        final=grant is not None,
        actor=officer("buyer", claimant),
        at=desk.at,
    )
    return steps.submit(claim=claim, claimant=claimant, committed=True, actor=officer("buyer", claimant), at=desk.at)


def pays_most(buyers: Sequence[Organization]) -> Organization:
    """Return the one of several firms that paid most in money alone: in a trace many pay a few fen only."""
    paid = Charge.objects.filter(reservation__order__buyer__in=buyers, voucher_fen=0)
    sums = dict(paid.values_list("reservation__order__buyer").annotate(Sum("amount_fen")))
    return max(buyers, key=lambda buyer: sums.get(buyer.pk, 0))


def _handed_in(claim: Claim, *, at: datetime) -> Claim:
    lines = list(claim.lines.order_by("number").values_list("number", flat=True))
    invoice = Invoice(number=_invoice_no(claim.pk.int), amount_fen=claim.amount_fen, issued_on=date_of(at), lines=lines)
    who = officer(_person_of(claim.claimant), claim.claimant)
    return steps.submit(claim=claim, claimant=claim.claimant, invoices=[invoice], committed=True, actor=who, at=at)


def _spent(buyer: Organization, contract_no: str, at: datetime) -> list[Spending]:
    """Return what a firm paid in money, by provider and kind of work, as the invoices of the platform show it.

    What came to less than a yuan is not claimed.
    """
    charges = Charge.objects.filter(reservation__order__buyer=buyer, voucher_fen=0).select_related(
        "reservation__provider", "reservation__order"
    )
    sums: dict[tuple[Organization, str], int] = {}
    for charge in charges.order_by("pk"):
        place = (charge.reservation.provider, charge.reservation.order.category)
        sums[place] = sums.get(place, 0) + charge.amount_fen
    return [
        Spending(
            contract_no=contract_no,
            category=category,
            provider=provider,
            amount_fen=fen,
            used_until=date_of(at),
            invoice_no=_invoice_no(buyer.pk.int + provider.pk.int + number),
            invoice_fen=fen,
            invoiced_on=date_of(at),
        )
        for number, ((provider, category), fen) in enumerate(sums.items())
        if fen >= LEAST_FEN
    ]


def _invoice_no(number: int) -> str:
    """Return a made-up number of an electronic invoice: twenty digits."""
    return f"{number % 10**INVOICE_DIGITS:0{INVOICE_DIGITS}d}"


def _paid(batch: PaymentBatch) -> bytes:
    """Return the bank's answer that every payment arrived."""
    rows = ["reference,amount,result,serial"]
    for number, one in enumerate(batch.payments.order_by("reference"), start=1):
        serial = f"DEMO{batch.number:04d}{number:06d}{batch.pk.int % 10**6:06d}"
        rows.append(f"{one.reference},{format_yuan(one.amount_fen).replace(',', '')},paid,{serial}")
    return "\n".join(rows).encode()


def _person_of(organization: Organization) -> str:
    return "seller" if organization.kind == "provider" else "buyer"
