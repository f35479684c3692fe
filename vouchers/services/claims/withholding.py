"""Which lines are not paid for now, whatever their papers say: related parties, suspended providers, frozen grants."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from accounts.models import Relation
from vouchers.models import ClaimLine, GrantStatus, LineKind, Programme, Reason


def reasons(programme: Programme, lines: Sequence[ClaimLine]) -> dict[int, Reason]:
    """Return why lines are withheld, by the line's key. What a correction takes back is never withheld."""
    entries = [line for line in lines if line.kind == LineKind.ENTRY]
    related = _related(entries)
    unlisted = _unlisted(programme, entries)
    found: dict[int, Reason] = {}
    for line in entries:
        if (line.buyer_id, line.provider_id) in related:
            found[line.pk] = Reason.RELATED_PARTY
        elif line.provider_id in unlisted:
            found[line.pk] = Reason.PROVIDER_SUSPENDED
        elif line.redemption is not None and line.redemption.grant.status == FROZEN:
            found[line.pk] = Reason.FROZEN
    return found


FROZEN = getattr(GrantStatus, "FROZEN", "frozen")


def _related(lines: Sequence[ClaimLine]) -> set[tuple[UUID, UUID]]:
    pairs = {(line.buyer_id, line.provider_id) for line in lines if line.provider_id}
    buyers, providers = {buyer for buyer, _provider in pairs}, {provider for _buyer, provider in pairs}
    rows = Relation.objects.filter(
        Q(first__in=buyers, second__in=providers) | Q(first__in=providers, second__in=buyers)
    ).values_list("first", "second")
    both = {pair for first, second in rows for pair in ((first, second), (second, first))}
    return pairs & both


def _unlisted(programme: Programme, lines: Sequence[ClaimLine]) -> set[UUID]:
    if programme.open_registry:
        return set()
    listed = set(programme.providers.values_list("pk", flat=True))
    return {line.provider_id for line in lines if line.provider_id} - listed
