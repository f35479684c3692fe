"""What may be done with applications at the desk: the forms, the services behind them, and who is offered what."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from accounts.duties import Duty
from accounts.models import User
from core import clock
from portal import access
from portal.access import PortalRequest
from portal.desk.acts import Act
from portal.fields import YuanField
from portal.forms import ConsoleForm
from vouchers.models import Application, ApplicationStatus, ReasonCode
from vouchers.models.application import REVIEWS
from vouchers.services.applications import deciding, publicity, reviewing

S = ApplicationStatus
Service = Callable[..., Any]


class VerdictForm(ConsoleForm):
    """Everything that a reviewer may say; each act takes what it needs."""

    opinion = forms.CharField(
        label=_("Opinion or reason"), max_length=1_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    reason_code = forms.ChoiceField(
        label=_("Ground of a rejection"), required=False, choices=[("", "–"), *ReasonCode.choices]
    )
    score = forms.IntegerField(label=_("Score (0–100)"), required=False, min_value=0, max_value=100)
    amount = YuanField(label=_("Recommended amount (¥)"), required=False)
    no_interest = forms.BooleanField(
        label=_("I have no interest in the applicant or the provider of these cases."), required=False
    )
    assignee = forms.ModelChoiceField(User.objects.none(), label=_("Assign to"), required=False)

    def __init__(self, *args: Any, reviewers: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assignee"].queryset = User.objects.filter(pk__in=[user.pk for user in reviewers])


def _pass(application: Application, said: dict[str, Any], who: dict[str, Any]) -> None:
    reviewing.approve(
        application=application,
        stage=application.status,
        no_interest=said["no_interest"],
        score=said["score"],
        amount_fen=said["amount"],
        opinion=said["opinion"],
        **who,
    )


def _reject(application: Application, said: dict[str, Any], who: dict[str, Any]) -> None:
    reviewing.reject(
        application=application,
        stage=application.status,
        reason_code=said["reason_code"],
        reason=said["opinion"],
        no_interest=said["no_interest"],
        **who,
    )


def _return(application: Application, said: dict[str, Any], who: dict[str, Any]) -> None:
    reviewing.ask_for_supplement(application=application, stage=application.status, reason=said["opinion"], **who)


def _assign(application: Application, said: dict[str, Any], who: dict[str, Any]) -> None:
    reviewing.assign(application=application, to=said["assignee"], **who)


def _take(application: Application, _said: dict[str, Any], who: dict[str, Any]) -> None:
    reviewing.assign(application=application, to=who["actor"].user, **who)


def _publish(application: Application, _said: dict[str, Any], who: dict[str, Any]) -> None:
    publicity.publish(applications=[application], **who)


def _approve(application: Application, _said: dict[str, Any], who: dict[str, Any]) -> None:
    deciding.approve(application=application, **who)


def _grant(application: Application, _said: dict[str, Any], who: dict[str, Any]) -> None:
    deciding.grant(application=application, **who)


def _turn_down(application: Application, said: dict[str, Any], who: dict[str, Any]) -> None:
    deciding.turn_down(applications=[application], reason_code=said["reason_code"], reason=said["opinion"], **who)


JUDGING = frozenset({Duty.REVIEW, Duty.REVIEW_DISTRICT, Duty.SCORE})
AT_REVIEW, APPROVING = frozenset(REVIEWS), frozenset({Duty.APPROVE})
ACTS: dict[str, Act[Application]] = {
    "pass": Act(_("Pass"), JUDGING, AT_REVIEW, _pass, "primary"),
    "return": Act(_("Return for supplement"), JUDGING, AT_REVIEW, _return),
    "reject": Act(_("Reject"), JUDGING, AT_REVIEW, _reject, "danger-quiet", _("Reject? The applicant may appeal.")),
    "take": Act(_("Assign to me"), frozenset({Duty.REVIEW}), AT_REVIEW, _take),
    "assign": Act(_("Assign"), frozenset({Duty.REVIEW}), AT_REVIEW, _assign),
    "publish": Act(_("Put before the public"), frozenset({Duty.PROPOSE}), frozenset({S.PROPOSED}), _publish, "primary"),
    "approve": Act(
        _("Approve and grant"),
        APPROVING,
        frozenset({S.PROPOSED, S.PUBLICITY}),
        _approve,
        "primary",
        _("Approve? The voucher is granted at once if the programme grants today."),
    ),
    "grant": Act(_("Grant"), APPROVING, frozenset({S.APPROVED}), _grant, "primary"),
    "turn-down": Act(
        _("Turn down"),
        APPROVING,
        frozenset({S.WAITLISTED, S.PROPOSED, S.PUBLICITY, S.OBJECTED, S.APPROVED}),
        _turn_down,
        "danger-quiet",
        _("Turn down? Its budget is free again, and the applicant may appeal."),
    ),
}


def offered(application: Application, request: PortalRequest) -> dict[str, Act[Application]]:
    """Return what the person may do with a case."""
    return {verb: act for verb, act in ACTS.items() if act.fits(application, request.rights.duties)}


def for_many(request: PortalRequest) -> dict[str, Act[Application]]:
    """Return what the person may do with many cases at once."""
    return {verb: act for verb, act in ACTS.items() if act.duties & request.rights.duties}


def act(request: PortalRequest, verb: str, application: Application, said: dict[str, Any]) -> None:
    """Do it, as the person who asks.

    :raises DomainError: if a service refuses.
    """
    if verb not in ACTS:
        raise Http404
    ACTS[verb].run(application, said, {"actor": access.actor(request), "at": clock.now()})
