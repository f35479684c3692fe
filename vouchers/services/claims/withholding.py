"""Which lines are not paid for now, whatever their papers say.

Those of related parties, suspended providers and frozen grants, and what the other side was paid for elsewhere.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from core.periods import date_of
from vouchers import integrity
from vouchers.models import Claim, ClaimLine, GrantStatus, LineKind, Programme, Reason
from vouchers.services import registry, related_claims
from vouchers.services.claims import both_sides


def reasons(programme: Programme, lines: Sequence[ClaimLine], at: datetime) -> dict[int, Reason]:
    """Return why lines are withheld, by the line's key. What a correction takes back is never withheld."""
    entries = [line for line in lines if line.kind == LineKind.ENTRY]
    related = _related(programme, entries, at)
    owed = {line.pk: (line.redemption_id, line.claim.claimant_id) for line in entries if line.redemption_id}
    in_question = integrity.withheld(owed=owed.values())
    unlisted = _unlisted(programme, entries)
    paid_twice = both_sides.claimed_elsewhere(programme, entries)
    found: dict[int, Reason] = {}
    for line in entries:
        if (line.buyer_id, line.provider_id) in related:
            found[line.pk] = Reason.RELATED_PARTY
        elif line.provider_id in unlisted:
            found[line.pk] = Reason.PROVIDER_SUSPENDED
        elif _is_frozen(line) or owed.get(line.pk) in in_question:
            found[line.pk] = Reason.FROZEN
        elif line.pk in paid_twice:
            found[line.pk] = Reason.DOUBLE_FUNDING
    return found


def stops(claims: Sequence[Claim], at: datetime) -> list[tuple[Claim, Reason]]:
    """Return the claims of which something that was accepted is withheld by now, each with a reason."""
    accepted = ClaimLine.objects.accepted().filter(claim__in=claims)
    lines = list(accepted.select_related("redemption__grant", "claim").order_by("claim", "number"))
    found = []
    for programme in {claim.programme_id: claim.programme for claim in claims}.values():
        ours = {claim.pk: claim for claim in claims if claim.programme_id == programme.pk}
        theirs = [line for line in lines if line.claim_id in ours]
        why = reasons(programme, theirs, at)
        by_claim = {line.claim_id: why[line.pk] for line in reversed(theirs) if line.pk in why}
        found += [(ours[pk], reason) for pk, reason in by_claim.items()]
    return found


def _is_frozen(line: ClaimLine) -> bool:
    return line.redemption is not None and line.redemption.grant.status == GrantStatus.FROZEN


def suspect(programme: Programme, lines: Sequence[ClaimLine], at: datetime) -> None:
    """Open a case about every redemption whose buyer and provider have become related parties since it was held."""
    related = _related(programme, lines, at)
    for line in lines:
        redemption, provider = line.redemption, line.provider
        if redemption is not None and provider is not None and (line.buyer_id, provider.pk) in related:
            related_claims.suspect_at_claim(redemption=redemption, provider=provider, at=at)


def _related(programme: Programme, lines: Sequence[ClaimLine], at: datetime) -> set[tuple[UUID, UUID]]:
    pairs = {(line.buyer_id, line.provider_id) for line in lines if line.provider_id}
    return integrity.denied(programme=programme, pairs=pairs, on=date_of(at))


def _unlisted(programme: Programme, lines: Sequence[ClaimLine]) -> set[UUID]:
    return registry.withheld(programme=programme, providers={line.provider_id for line in lines if line.provider_id})
