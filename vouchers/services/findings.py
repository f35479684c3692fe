"""The queue of findings: written once a key, somebody's to look at, and decided with a reason by another person."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty, may
from accounts.models import Membership, Organization, OrganizationKind, Role, User
from accounts.services import audit, duties
from accounts.services.audit import Actor
from core.errors import Conflict, DomainError, Forbidden, NotFound
from core.periods import date_of, midnight
from vouchers import workdays
from vouchers.fraud.suspicions import Suspicion
from vouchers.models import Finding, FindingRule, FindingStatus, Grant, Programme, Severity
from vouchers.models.finding import LIVE
from vouchers.services import people, suspensions

ANSWER_WORKING_DAYS = 10
# Working days until somebody should have decided, from the day of the finding or of an answer to it.
DECIDE_WORKING_DAYS = {Severity.HIGH: 3, Severity.MEDIUM: 5, Severity.LOW: 10}
MOST_TEXT = 5_000
DECISIONS = (FindingStatus.EXPLAINED, FindingStatus.UPHELD, FindingStatus.DISMISSED)


class ReasonMissing(DomainError):
    """A decision says why."""

    code = "reason-missing"


class NotYours(Conflict):
    """Somebody else looks at the finding."""

    code = "finding-not-yours"


class LaidAlready(Conflict):
    """The finding belongs to a programme, or is decided."""

    code = "finding-laid"


class NoFinder(Conflict):
    """The person to whom a finding is given does not look into findings."""

    code = "no-finder"


class AnswerOver(Conflict):
    """The time to answer is over, or an answer was given."""

    code = "answer-over"


class NobodyToAsk(Conflict):
    """The finding concerns no organisation in particular."""

    code = "nobody-to-ask"


def record(*, suspicions: Iterable[Suspicion], at: datetime, found_by: User | None = None) -> int:
    """Write down what is not known yet, each key once, and return how many there were."""
    rows = [
        Finding(
            status=FindingStatus.OPEN,
            rule=one.rule,
            severity=one.severity,
            dedupe_key=one.key[:200],
            subject_id=one.subject_id,
            counterparty_id=one.counterparty_id,
            programme_id=one.programme_id,
            grant_id=one.grant_id,
            redemption_id=one.redemption_id,
            amount_fen=one.amount_fen,
            evidence=dict(one.evidence),
            found_at=at,
            found_by=found_by,
            due_at=decide_by(str(one.severity), date_of(at)),
        )
        for one in suspicions
    ]
    known = set(Finding.objects.filter(dedupe_key__in=[row.dedupe_key for row in rows]).values_list("dedupe_key"))
    new = {row.dedupe_key: row for row in rows if (row.dedupe_key,) not in known}
    Finding.objects.bulk_create(new.values(), ignore_conflicts=True)
    return len(new)


@transaction.atomic
def raise_by_hand(
    *,
    programme: Programme,
    text: str,
    actor: Actor,
    at: datetime,
    grant: Grant | None = None,
    subject: Organization | None = None,
    severity: str = Severity.MEDIUM,
) -> Finding:
    """Write down what a person found; an auditor may do this and nothing else.

    :raises NotYourDuty: if the role does not raise findings.
    :raises ReasonMissing: if nothing is said.
    """
    finder = _finder(actor, programme)
    finding = Finding.objects.create(
        status=FindingStatus.OPEN,
        rule=FindingRule.MANUAL,
        severity=severity,
        dedupe_key=f"manual/{finder.pk}/{at.isoformat()}",
        subject=subject or (grant.owner if grant else None),
        programme=programme,
        grant=grant,
        evidence={"text": _said(text)},
        found_at=at,
        found_by=finder,
        due_at=decide_by(severity, date_of(at)),
    )
    audit.record(actor=actor, verb="finding.raised", thing=finding, at=at)
    return finding


@transaction.atomic
def assign(*, finding: Finding, to: User, actor: Actor, at: datetime) -> Finding:
    """Give a finding to a person, or to another one.

    :raises IllegalMove: if it is decided.
    :raises NoFinder: if that person does not look into findings for whom one acts.
    """
    finding = _locked(finding)
    _require_duty(actor, finding)
    _require_finder(actor, to)
    if finding.status == FindingStatus.ASSIGNED:
        finding.move_to(FindingStatus.OPEN)
    finding.move_to(FindingStatus.ASSIGNED, assigned_to=to, assigned_at=at)
    audit.record(actor=actor, verb="finding.assigned", thing=finding, at=at, after={"to": str(to.pk)})
    return finding


@transaction.atomic
def ask(*, finding: Finding, actor: Actor, at: datetime) -> Finding:
    """Ask the organisation concerned to explain; from now on it sees the finding and has ten working days.

    :raises NobodyToAsk: if it concerns no organisation.
    :raises NotYours: if somebody else looks at it, or nobody does.
    """
    finding = _mine(finding, actor)
    if finding.subject_id is None:
        raise NobodyToAsk(_("This finding concerns no organisation in particular."))
    if finding.asked_at is None:
        due_on = workdays.after(date_of(at), ANSWER_WORKING_DAYS)
        finding.asked_at, finding.answer_due_at = at, midnight(workdays.next_day(due_on))
        finding.due_at = decide_by(finding.severity, due_on)
        finding.save(update_fields=["asked_at", "answer_due_at", "due_at"])
        audit.record(actor=actor, verb="finding.asked", thing=finding, at=at)
    return finding


@transaction.atomic
def answer(*, finding: Finding, text: str, actor: Actor, at: datetime) -> Finding:
    """Say what the organisation concerned says to a finding, once and in time.

    :raises NotFound: if another organisation is concerned, or was not asked.
    :raises AnswerOver: if the time is over, an answer was given or the finding is decided.
    """
    finding = _locked(finding)
    if actor.organization is None or finding.subject_id != actor.organization.pk or finding.asked_at is None:
        raise NotFound(_("There is no such finding."))
    late = finding.answer_due_at is None or at >= finding.answer_due_at
    if late or finding.answered_at is not None or finding.status != FindingStatus.ASSIGNED:
        raise AnswerOver(_("An answer can no longer be given."))
    finding.answer, finding.answered_at = _said(text), at
    finding.due_at = decide_by(finding.severity, date_of(at))
    finding.save(update_fields=["answer", "answered_at", "due_at"])
    audit.record(actor=actor, verb="finding.answered", thing=finding, at=at)
    return finding


@transaction.atomic
def decide(*, finding: Finding, decision: str, reason: str, actor: Actor, at: datetime) -> Finding:
    """Close a finding as explained, upheld or dismissed; whoever raised it does not decide it.

    :raises NotYours: if somebody else looks at it, or nobody does.
    :raises MakerIsChecker: if the same person raised it.
    :raises ReasonMissing: if no reason is given.
    :raises Partial: if the person has an interest in the firm concerned, or in the other party.
    """
    finding = _mine(finding, actor)
    acting = people.person(actor)
    if finding.found_by is not None:
        people.checker(actor, maker=finding.found_by)
    for side in (finding.subject, finding.counterparty):
        if side is not None:
            duties.require_impartial(user=acting, of=side)
    finding.move_to(FindingStatus(decision), decided_by=acting, decided_at=at, reason=_said(reason))
    after = {"decision": decision, "reason": reason}
    audit.record(actor=actor, verb="finding.decided", thing=finding, at=at, after=after)
    if finding.status == FindingStatus.UPHELD:
        suspensions.follow(finding=finding, at=at)
    return finding


@transaction.atomic
def dismiss(*, finding: Finding, reason: str, actor: Actor, at: datetime) -> Finding:
    """Dismiss a finding, taking it first if nobody looks at it; what is somebody else's stays theirs.

    :raises NotYours: if somebody else looks at it.
    """
    if _locked(finding).status == FindingStatus.OPEN:
        assign(finding=finding, to=people.person(actor), actor=actor, at=at)
    return decide(finding=finding, decision=FindingStatus.DISMISSED, reason=reason, actor=actor, at=at)


@transaction.atomic
def hand_over(*, finding: Finding, programme: Programme, actor: Actor, at: datetime) -> Finding:
    """Lay a finding that belongs to no programme to one, once: from now on its authority sees and decides it.

    :raises LaidAlready: if it belongs to a programme, or is decided.
    :raises Forbidden: if it is another authority's programme.
    """
    finding = _locked(finding)
    _require_duty(actor, finding)
    if actor.organization is not None:
        _own(actor.organization, programme)
    if finding.programme_id or finding.grant_id or finding.status not in LIVE:
        raise LaidAlready(_("This finding belongs to a programme, or is decided."))
    finding.programme, finding.due_at = programme, decide_by(finding.severity, date_of(at))
    finding.save(update_fields=["programme", "due_at"])
    after = {"programme": str(programme.pk)}
    audit.record(actor=actor, verb="finding.handed_over", thing=finding, at=at, after=after)
    return finding


def decide_by(severity: str, day: date) -> datetime:
    """Return the end of the time to decide on what was found, or answered, on a day."""
    return midnight(workdays.next_day(workdays.after(day, DECIDE_WORKING_DAYS[Severity(severity)])))


def _require_finder(actor: Actor, to: User) -> None:
    """Refuse to give findings to whoever cannot decide on them."""
    if actor.organization is None:
        return
    seat = Membership.objects.filter(user=to, organization=actor.organization).exclude(role=Role.AUDITOR).first()
    if seat is None or not may(Duty.FIND, kind=actor.organization.kind, role=seat.role):
        raise NoFinder(_("%(name)s does not look into findings here.") % {"name": to})


def _finder(actor: Actor, programme: Programme) -> User:
    if actor.user is None:
        raise people.PersonNeeded(_("A person must do this, not a key."))
    if actor.organization is not None:
        duties.require(actor=actor, duty=Duty.FIND, of=_own(actor.organization, programme))
    return actor.user


def _require_duty(actor: Actor, finding: Finding) -> None:
    people.person(actor)
    if actor.organization is not None:
        programme = finding.programme or (finding.grant.programme if finding.grant else None)
        duties.require(actor=actor, duty=Duty.FIND, of=_own(actor.organization, programme))


def _own(organization: Organization, programme: Programme | None) -> Organization:
    """Return the organisation for which one acts in a programme: its authority, or the operator.

    :raises Forbidden: if another organisation acts.
    """
    if organization.kind == OrganizationKind.OPERATOR or programme is None:
        return organization
    if programme.authority_id != organization.pk:
        raise Forbidden(_("This is another authority's programme."))
    return organization


def _mine(finding: Finding, actor: Actor) -> Finding:
    finding = _locked(finding)
    _require_duty(actor, finding)
    if finding.status != FindingStatus.ASSIGNED or finding.assigned_to_id != people.person(actor).pk:
        raise NotYours(_("Take the finding first."))
    return finding


def _locked(finding: Finding) -> Finding:
    joined = ("subject", "counterparty", "found_by", "programme", "grant__programme")
    return Finding.objects.locked().select_related(*joined).get(pk=finding.pk)


def _said(text: str) -> str:
    text = text.strip()[:MOST_TEXT]
    if not text:
        raise ReasonMissing(_("Say why."), fields={"reason": _("Say why.")})
    return text


def waiting(*, findings: Sequence[Finding], at: datetime) -> list[Finding]:
    """Return those findings whose answer is due and has not come."""
    due = [one for one in findings if one.answer_due_at is not None and one.answered_at is None]
    return [one for one in due if one.answer_due_at is not None and one.answer_due_at <= at]
