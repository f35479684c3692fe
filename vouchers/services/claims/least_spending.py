"""The least spending of a year, where a programme reimburses from one on: all lines of the year count together."""

from django.db.models import Sum

from vouchers.models import Claim, ClaimLine
from vouchers.parameters import Facts


def facts(claim: Claim, fen: int) -> Facts:
    """Return what a claimant has spent in the year of a claim with ``fen`` in it; nothing where nobody asks."""
    programme = claim.programme
    if not programme.terms.min_annual_spend_fen:
        return Facts()
    of_year = {"claim__programme": programme, "claim__period_starts_on__year": claim.period_starts_on.year}
    earlier = ClaimLine.objects.unsettled().filter(buyer=claim.claimant, **of_year).exclude(claim=claim)
    before_fen = earlier.aggregate(fen=Sum("eligible_fen"))["fen"] or 0
    return Facts(annual_spend_fen=int(before_fen) + fen)
