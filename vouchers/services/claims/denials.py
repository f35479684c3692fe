"""What authorities have denied for good: it has come back to the voucher, and whoever delivered it bears it."""

from uuid import UUID

from django.db.models import QuerySet, Sum

from vouchers.models import ClaimantKind, ClaimLine, LineStatus, Refund


def reference(line_id: int) -> str:
    """Name the refund by which a denied line came back to its voucher."""
    return f"claim-line/{line_id}/reversed"


def of_provider(provider_id: UUID) -> QuerySet[ClaimLine]:
    """Return the lines of a provider's own claims that were denied for good."""
    reversed_lines = ClaimLine.objects.filter(provider=provider_id, status=LineStatus.REVERSED)
    return reversed_lines.filter(claim__claimant_kind=ClaimantKind.PROVIDER)


def denied_fen(*, redemption_id: UUID, provider_id: UUID) -> int:
    """Return what of a provider's part of a redemption was denied in all, in fen, whatever was corrected since."""
    lines = of_provider(provider_id).filter(redemption=redemption_id)
    references = [reference(pk) for pk in lines.values_list("pk", flat=True)]
    if not references:
        return 0
    return Refund.objects.filter(reference__in=references).aggregate(fen=Sum("amount_fen"))["fen"] or 0
