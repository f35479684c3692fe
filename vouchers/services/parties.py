"""Write down when parties that are related meet: refused at a hold, flagged below the threshold."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from accounts import selectors as register
from accounts.models import Organization
from accounts.selectors import Relatedness
from core import afterwards
from core.periods import date_of
from vouchers import integrity
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.models import Grant, Redemption
from vouchers.services import findings


def note_refused(*, grant_id: UUID, providers: Sequence[Organization], amount_fen: int, at: datetime) -> None:
    """Write down that a grant was to pay a related party and did not; the note survives what the refusal undoes."""
    grant = Grant.objects.select_related("programme").get(pk=grant_id)
    found = register.relatedness(one_id=grant.owner_id, others=[one.pk for one in providers], on=date_of(at))
    related = [tie for tie in found if integrity.denies(grant.programme, tie)]
    suspicions = [
        suspicion(Rule.RELATED_PARTY, Weight.HIGH, f"hold/{grant_id}/{date_of(at)}", grant, tie, amount_fen)
        for tie in related
    ]
    afterwards.note(partial(findings.record, suspicions=suspicions, at=at))


def note_flagged(*, redemption: Redemption, ties: Sequence[Relatedness], at: datetime) -> None:
    """Write down that a hold was allowed between parties of which one holds a little of the other."""
    grant = redemption.grant
    for tie in (tie for tie in ties if integrity.minds(grant.programme, tie)):
        one = suspicion(Rule.RELATED_FLAG, Weight.LOW, f"flag/{redemption.pk}", grant, tie, redemption.amount_fen)
        afterwards.note(partial(findings.record, suspicions=[one], at=at))


def note_listed(*, grant: Grant, at: datetime) -> None:
    """Write down that a firm that was granted something is a related party of a provider that the programme lists."""
    listed = [one.pk for one in grant.programme.providers.all()]
    found = register.relatedness(one_id=grant.owner_id, others=listed, on=date_of(at))
    suspicions = [
        suspicion(Rule.RELATED_FLAG, Weight.LOW, f"grant/{grant.pk}", grant, tie, grant.face_fen)
        for tie in found
        if integrity.minds(grant.programme, tie)
    ]
    findings.record(suspicions=suspicions, at=at)


def suspicion(
    rule: Rule,
    severity: Weight,
    key: str,
    grant: Grant,
    tie: Relatedness,
    amount_fen: int,
    redemption_id: UUID | None = None,
) -> Suspicion:
    """Return what a tie between a grant's owner and a provider makes one suspect."""
    return Suspicion(
        rule=rule,
        severity=severity,
        key=f"{rule}/{key}/{tie.other_id}",
        evidence=tie.evidence(),
        subject_id=grant.owner_id,
        counterparty_id=tie.other_id,
        programme_id=grant.programme_id,
        grant_id=grant.pk,
        redemption_id=redemption_id,
        amount_fen=amount_fen,
    )
