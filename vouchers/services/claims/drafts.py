"""Open a claim, give it its lines, and freeze them: number, sum, digest."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from accounts.models import Organization, User
from vouchers import canonical
from vouchers.cycles import Period
from vouchers.models import Claim, ClaimLine, ClaimStatus, Programme
from vouchers.services.claims import books, clocks
from vouchers.services.claims.terms import SettlementTerms

QUEUE = "SELECT pg_advisory_xact_lock(1120, hashtext(%s))"


def queue(programme: Programme) -> None:
    """Wait to be the only one who opens claims of a programme: their numbers have no gap, their lines no rival."""
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, [str(programme.pk)])


def open_claim(
    *, programme: Programme, claimant: Organization, terms: SettlementTerms, period: Period, final: bool = False
) -> Claim:
    """Open the next claim of a programme; the caller stands in the queue."""
    last = Claim.objects.filter(programme=programme).order_by("-number").values_list("number", flat=True).first()
    same = Claim.objects.filter(programme=programme, claimant=claimant, period_starts_on=period.starts_on)
    return Claim.objects.create(
        programme=programme,
        claimant=claimant,
        claimant_kind=terms.claimant,
        status=ClaimStatus.OPEN,
        number=1 + (last or 0),
        period_starts_on=period.starts_on,
        period_ends_on=period.ends_on,
        sequence=same.count(),
        final=final,
    )


def freeze(*, claim: Claim, lines: Sequence[ClaimLine], by: User | None, at: datetime) -> Claim:
    """Fix the lines of an open claim, and let the log know of them."""
    claim.move_to(
        ClaimStatus.ASSEMBLED,
        amount_fen=sum(line.amount_fen for line in lines),
        digest=digest(claim, lines),
        assembled_by=by,
        assembled_at=at,
        due_at=clocks.due(ClaimStatus.ASSEMBLED, at),
    )
    facts = {"digest": claim.digest, "lines": per_redemption(lines)}
    books.note(claim=claim, kind="claim", by=by, at=at, amount_fen=claim.amount_fen, facts=facts)
    return claim


def digest(claim: Claim, lines: Sequence[ClaimLine]) -> str:
    """Return the SHA-256 of what a claim asks for, line by line."""
    asked = {
        "programme": str(claim.programme_id),
        "claimant": str(claim.claimant_id),
        "number": claim.number,
        "lines": [
            [line.number, line.kind, line.generation, str(line.redemption_id or ""), line.amount_fen, line.contract_no]
            for line in lines
        ],
    }
    return hashlib.sha256(canonical.encode(asked)).hexdigest()


def per_redemption(lines: Sequence[ClaimLine], *, accepted: bool = False) -> list[list[str | int]]:
    """Return what lines ask, or were given, for each redemption; a correction counts with what it takes back."""
    sums: dict[str, int] = {}
    for line in lines:
        if line.redemption_id:
            fen = (line.accepted_fen or 0) if accepted else line.amount_fen
            sums[str(line.redemption_id)] = sums.get(str(line.redemption_id), 0) + fen
    return [[redemption_id, fen] for redemption_id, fen in sorted(sums.items())]
