"""What may be done with findings at the desk: the form, the services behind it, and who is offered what."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from accounts.duties import Duty
from accounts.models import Role, User
from core import clock
from core.errors import DomainError
from portal import access
from portal.access import PortalRequest
from portal.desk import finding_queue
from portal.forms import ConsoleForm
from vouchers.models import Finding, FindingStatus, FreezeGround, Grant, GrantStatus, Programme
from vouchers.models.finding import LIVE
from vouchers.services import findings, freezing
from vouchers.services.findings import MOST_TEXT

S = FindingStatus
Run = Callable[[Finding, dict[str, Any], dict[str, Any]], Any]
GROUND_OF = {
    "RELATED_PARTY": FreezeGround.RELATED,
    "RELATED_FLAG": FreezeGround.RELATED,
    "CIRCULAR_TRADE": FreezeGround.RELATED,
    "SPLITTING": FreezeGround.RELATED,
    "KICKBACK": FreezeGround.RELATED,
    "BOTH_SIDES": FreezeGround.TWICE,
    "DUPLICATE_CONTRACT": FreezeGround.TWICE,
    "DUPLICATE_INVOICE": FreezeGround.TWICE,
    "PRICE_OUTLIER": FreezeGround.PRICE,
    "PRICE_RAISED": FreezeGround.PRICE,
    "IDLE_USAGE": FreezeGround.USAGE,
    "SAME_JOB": FreezeGround.USAGE,
    "METER_MISMATCH": FreezeGround.USAGE,
    "TIP": FreezeGround.REPORT,
}


class NothingChosen(DomainError):
    """The act is about somebody or something that was not chosen."""

    code = "nothing-chosen"


class FindingForm(ConsoleForm):
    """Everything that may be said about a finding; each act takes what it needs."""

    reason = forms.CharField(
        label=_("Reason"), max_length=MOST_TEXT, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    assignee = forms.ModelChoiceField(User.objects.none(), label=_("Assign to"), required=False, empty_label="–")
    programme = forms.ModelChoiceField(Programme.objects.none(), label=_("Programme"), required=False, empty_label="–")

    def __init__(self, *args: Any, request: PortalRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        finders = [user.pk for user in finding_queue.finders(request)]
        self.fields["assignee"].queryset = User.objects.filter(pk__in=finders)
        self.fields["programme"].queryset = finding_queue.programmes(request).order_by("name")


@dataclass(frozen=True, slots=True)
class Act:
    """Something that may be done with a finding: its name, the duty, when it is offered, and how."""

    label: Any
    duty: Duty
    fits: Callable[[Finding, User], bool]
    run: Run
    tone: str = ""
    question: Any = ""
    many: bool = False


def _live(finding: Finding, _user: User) -> bool:
    return finding.status in LIVE


def _not_mine(finding: Finding, user: User) -> bool:
    return finding.status in LIVE and finding.assigned_to_id != user.pk


def _mine(finding: Finding, user: User) -> bool:
    return finding.status == S.ASSIGNED and finding.assigned_to_id == user.pk


def _decidable(finding: Finding, user: User) -> bool:
    return _mine(finding, user) and finding.found_by_id != user.pk


def _dismissible(finding: Finding, user: User) -> bool:
    return (finding.status == S.OPEN or _mine(finding, user)) and finding.found_by_id != user.pk


def _askable(finding: Finding, user: User) -> bool:
    return _mine(finding, user) and finding.subject_id is not None and finding.asked_at is None


def _loose(finding: Finding, _user: User) -> bool:
    return finding.status in LIVE and finding.programme_id is None and finding.grant_id is None


def _freezable(finding: Finding, _user: User) -> bool:
    grant = finding.grant
    return grant is not None and grant.status == GrantStatus.ACTIVE and finding.status in (*LIVE, S.UPHELD)


def _take(finding: Finding, _said: dict[str, Any], who: dict[str, Any]) -> None:
    findings.assign(finding=finding, to=who["actor"].user, **who)


def _assign(finding: Finding, said: dict[str, Any], who: dict[str, Any]) -> None:
    if said["assignee"] is None:
        raise NothingChosen(_("Choose a person."), fields={"assignee": _("Choose a person.")})
    findings.assign(finding=finding, to=said["assignee"], **who)


def _hand_over(finding: Finding, said: dict[str, Any], who: dict[str, Any]) -> None:
    if said["programme"] is None:
        raise NothingChosen(_("Choose a programme."), fields={"programme": _("Choose a programme.")})
    findings.hand_over(finding=finding, programme=said["programme"], **who)


def _ask(finding: Finding, _said: dict[str, Any], who: dict[str, Any]) -> None:
    findings.ask(finding=finding, **who)


def _decide(decision: FindingStatus) -> Run:
    def run(finding: Finding, said: dict[str, Any], who: dict[str, Any]) -> None:
        findings.decide(finding=finding, decision=decision, reason=said["reason"], **who)

    return run


def _dismiss(finding: Finding, said: dict[str, Any], who: dict[str, Any]) -> None:
    findings.dismiss(finding=finding, reason=said["reason"], **who)


def _freeze(finding: Finding, said: dict[str, Any], who: dict[str, Any]) -> None:
    if finding.grant is None:
        raise Http404
    ground = GROUND_OF.get(finding.rule, FreezeGround.OTHER)
    freezing.freeze(grant=finding.grant, reason=said["reason"], ground=ground, finding=finding, **who)


ACTS: dict[str, Act] = {
    "take": Act(_("Assign to me"), Duty.FIND, _not_mine, _take, "primary", many=True),
    "assign": Act(_("Assign"), Duty.FIND, _live, _assign, many=True),
    "hand-over": Act(_("Hand over to the programme"), Duty.FIND, _loose, _hand_over),
    "ask": Act(_("Ask the firm to explain"), Duty.FIND, _askable, _ask, question=_("Ask? The firm sees the evidence.")),
    "uphold": Act(_("Uphold"), Duty.FIND, _decidable, _decide(S.UPHELD), "primary"),
    "explain": Act(_("Explained"), Duty.FIND, _decidable, _decide(S.EXPLAINED)),
    "dismiss": Act(_("Dismiss"), Duty.FIND, _dismissible, _dismiss, "danger-quiet", many=True),
    "freeze": Act(
        _("Freeze the grant"),
        Duty.FREEZE,
        _freezable,
        _freeze,
        "danger-quiet",
        _("Freeze? Nothing is held or captured until another person lifts it."),
    ),
}


def writes(request: PortalRequest) -> bool:
    """Whether the person changes anything: an auditor raises findings and does nothing else."""
    return request.membership is not None and request.membership.role != Role.AUDITOR


def offered(finding: Finding, request: PortalRequest) -> dict[str, Act]:
    """Return what the person may do with a finding."""
    duties = request.rights.duties if writes(request) else frozenset()
    return {verb: act for verb, act in ACTS.items() if act.duty in duties and act.fits(finding, request.user)}


def for_many(request: PortalRequest) -> dict[str, Act]:
    """Return what the person may do with many findings at once."""
    duties = request.rights.duties if writes(request) else frozenset()
    return {verb: act for verb, act in ACTS.items() if act.many and act.duty in duties}


def act(request: PortalRequest, verb: str, finding: Finding, said: dict[str, Any]) -> None:
    """Do it, as the person who asks.

    :raises DomainError: if a service refuses.
    """
    if verb not in ACTS:
        raise Http404
    ACTS[verb].run(finding, said, {"actor": access.actor(request), "at": clock.now()})


def raised(request: PortalRequest, *, programme: Programme, grant: Grant | None, said: dict[str, Any]) -> Finding:
    """Raise what a person found."""
    return findings.raise_by_hand(
        programme=programme,
        grant=grant,
        subject=said["credit_code"],
        text=said["text"],
        severity=said["severity"],
        actor=access.actor(request),
        at=clock.now(),
    )
