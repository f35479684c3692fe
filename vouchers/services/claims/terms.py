"""How a programme settles: who claims, how often, what is sampled. Read from the programme's parameters."""

from dataclasses import dataclass
from datetime import date, timedelta

from vouchers.models import ClaimantKind, Programme
from vouchers.parameters.identity import Mode as Flow
from vouchers.parameters.settlement import Claimant, Cycle, Paper
from vouchers.rules import Case

__all__ = ["CLAIMED", "Flow", "SettlementTerms", "of"]

# Whoever claims names what came due within the base period: the line, not the contract, is what is paid for.
CLAIMED = Case(in_base_period=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementTerms:
    """The rules of settlement of one programme."""

    flow: Flow = Flow.INSTANT_DEDUCT
    claimant: ClaimantKind = ClaimantKind.PROVIDER
    cycle: Cycle = Cycle.QUARTERLY
    claim_cutoff_days: int = 10
    resubmit_days: int = 15
    sample_audit_bp: int = 1_000
    window: tuple[date, date] | None = None
    invoice_needed: bool = True
    invoice_verified: bool = True

    def is_open(self, on: date) -> bool:
        """Whether buyers may claim on a day: in the window, both its days included, or always without one."""
        return self.window is None or self.window[0] <= on <= self.window[1]


def of(programme: Programme) -> SettlementTerms:
    """Return how a programme settles."""
    parameters = programme.parameters
    settlement, papers = parameters.settlement, parameters.evidence
    window = settlement.claim_window
    return SettlementTerms(
        flow=parameters.identity.mode,
        claimant=ClaimantKind.PROVIDER if settlement.claimant is Claimant.PROVIDER else ClaimantKind.BUYER,
        cycle=settlement.cycle,
        claim_cutoff_days=settlement.claim_cutoff_days,
        resubmit_days=settlement.resubmit_days,
        sample_audit_bp=settlement.sample_audit_bp,
        window=(window.opens_on, window.closes_on - timedelta(days=1)) if window else None,
        invoice_needed=Paper.INVOICE in papers.for_claim and Paper.INVOICE not in papers.from_platform,
        invoice_verified=papers.verify_invoice_number,
    )
