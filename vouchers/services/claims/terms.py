"""How a programme settles: who claims, how often, what is sampled. Read from the programme's parameters."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from vouchers.cycles import Cycle
from vouchers.models import ClaimantKind, Programme


class Flow(StrEnum):
    """How money flows: deducted at once, granted first and claimed with proof, or reimbursed after use."""

    INSTANT_DEDUCT = "INSTANT_DEDUCT"
    GRANT_THEN_CLAIM = "GRANT_THEN_CLAIM"
    REIMBURSE = "REIMBURSE"


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

    def is_open(self, on: date) -> bool:
        """Whether buyers may claim on a day: in the window, both its days included, or always without one."""
        return self.window is None or self.window[0] <= on <= self.window[1]


def of(programme: Programme) -> SettlementTerms:  # noqa: ARG001
    """Return how a programme settles."""
    return SettlementTerms()
