"""What may be done with a clawback at the desk: the form, the services behind it, and who is offered what."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.duties import Duty
from accounts.models import User
from core import clock
from core.money import format_yuan, parse_scaled
from portal import access
from portal.access import PortalRequest
from portal.desk import finding_acts
from portal.fields import YuanField
from portal.forms import ConsoleForm
from vouchers.models import Clawback, ClawbackAppeal, ClawbackStatus
from vouchers.models.clawback import CASES_OPEN, OWED
from vouchers.services import clawback_appeals, clawbacks, integrity_terms, recoveries, restitutions

S = ClawbackStatus
Fits = Callable[[Clawback, User, datetime], bool]
AREA = forms.Textarea(attrs={"rows": 4})
MOST_PARTS = 60


class PlanField(forms.CharField):
    """Instalments as people write them: a day and an amount a line."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return [self._part(line) for line in str(text).splitlines()[:MOST_PARTS] if line.strip()]

    def _part(self, line: str) -> tuple[date, int]:
        day, _space, amount = line.strip().replace("\t", " ").partition(" ")
        try:
            return date.fromisoformat(day), parse_scaled(amount.strip().replace(",", ""), decimals=2)
        except ValueError as error:
            raise ValidationError(_("Write a day and an amount a line: 2026-12-01 5000.00"), code="plan") from error


class CaseForm(ConsoleForm):
    """Everything that may be said in a case; each act takes what it needs."""

    notice = forms.CharField(label=gettext_lazy("Text of the notice"), max_length=5_000, required=False, widget=AREA)
    reason = forms.CharField(
        label=gettext_lazy("Reason of the decision"), max_length=5_000, required=False, widget=AREA
    )
    amount = YuanField(label=gettext_lazy("Amount (¥)"), required=False)
    reference = forms.CharField(
        label=gettext_lazy("Bank reference"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("The bank's reference of the repayment."),
    )
    parts = PlanField(
        label=gettext_lazy("Instalments"),
        max_length=2_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "2026-12-01 5000.00"}),
        help_text=gettext_lazy("A day and an amount a line; together exactly what is owed."),
    )
    to = forms.CharField(label=gettext_lazy("Refer to"), max_length=200, required=False)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that may be done with a case: its name, the duty, when it is offered, what it needs, and how."""

    label: Any
    duty: Duty
    fits: Fits
    needs: tuple[str, ...]
    run: Callable[[Clawback, dict[str, Any], dict[str, Any]], Any]
    tone: str = ""
    question: Any = ""


def _at(*statuses: str) -> Fits:
    return lambda case, _user, _at: case.status in statuses


def _droppable(case: Clawback, user: User, _at: datetime) -> bool:
    return case.status in CASES_OPEN and case.raised_by_id != user.pk


def _decidable(case: Clawback, user: User, at: datetime) -> bool:
    over = case.response_due_at is not None and at >= case.response_due_at
    ripe = case.status == S.RESPONDED or (case.status == S.NOTICE_SENT and over)
    return ripe and case.raised_by_id != user.pk


def _plannable(case: Clawback, _user: User, _at: datetime) -> bool:
    return case.status in OWED and case.suspended_at is None and not case.instalments.exists()


def _late(case: Clawback, _user: User, at: datetime) -> bool:
    late = case.status == S.DEMANDED and case.pay_by is not None and at >= case.pay_by
    return late and case.suspended_at is None


def _appealed(case: Clawback, user: User, _at: datetime) -> bool:
    return case.suspended_at is not None and user.pk not in (case.raised_by_id, case.notified_by_id, case.decided_by_id)


def _reducible(case: Clawback, user: User, at: datetime) -> bool:
    return _appealed(case, user, at) and case.principal_fen > 1


def _gives_back(case: Clawback, user: User, _at: datetime) -> bool:
    return bool(case.restored_fen) and case.appeal.decided_by_id != user.pk and restitutions.left_fen(case) > 0


def _hold(case: Clawback, _said: dict[str, Any], who: dict[str, Any]) -> None:
    clawbacks.place_hold(clawback=case, **who)


def _notify(case: Clawback, said: dict[str, Any], who: dict[str, Any]) -> None:
    clawbacks.send_notice(clawback=case, notice=said["notice"], **who)


def _uphold(case: Clawback, said: dict[str, Any], who: dict[str, Any]) -> None:
    clawbacks.uphold(clawback=case, reason=said["reason"], **who)


def _dismiss(case: Clawback, said: dict[str, Any], who: dict[str, Any]) -> None:
    clawbacks.dismiss(clawback=case, reason=said["reason"], **who)


def _recover(case: Clawback, said: dict[str, Any], who: dict[str, Any]) -> None:
    recoveries.recover(clawback=case, amount_fen=said["amount"] or 0, reference=said["reference"], **who)


def _plan(case: Clawback, said: dict[str, Any], who: dict[str, Any]) -> None:
    recoveries.plan(clawback=case, parts=said["parts"], **who)


def _stand(case: Clawback, said: dict[str, Any], who: dict[str, Any]) -> None:
    clawback_appeals.uphold(appeal=_appeal_of(case), reason=said["reason"], **who)


def _reduce(case: Clawback, said: dict[str, Any], who: dict[str, Any]) -> None:
    terms = {"principal_fen": said["amount"] or 0, "reason": said["reason"]}
    clawback_appeals.reduce(appeal=_appeal_of(case), **terms, **who)


def _quash(case: Clawback, said: dict[str, Any], who: dict[str, Any]) -> None:
    clawback_appeals.quash(appeal=_appeal_of(case), reason=said["reason"], **who)


def _give_back(case: Clawback, said: dict[str, Any], who: dict[str, Any]) -> None:
    restitutions.give_back(clawback=case, amount_fen=said["amount"] or 0, reference=said["reference"], **who)


def _appeal_of(case: Clawback) -> ClawbackAppeal:
    return get_object_or_404(ClawbackAppeal.objects.select_related("clawback__debtor"), clawback=case)


def _refer(case: Clawback, said: dict[str, Any], who: dict[str, Any]) -> None:
    recoveries.refer(clawback=case, to=said["to"], **who)


ACTS: dict[str, Act] = {
    "hold": Act(gettext_lazy("Freeze what is left"), Duty.FREEZE, _at(S.SUSPECTED), (), _hold, "primary"),
    "notify": Act(
        gettext_lazy("Send the notice"),
        Duty.FREEZE,
        _at(S.HOLD_PLACED),
        ("notice",),
        _notify,
        "primary",
        gettext_lazy("Send? The time to answer begins on the next day."),
    ),
    "uphold": Act(
        gettext_lazy("Uphold and demand"),
        Duty.CLAW_BACK,
        _decidable,
        ("reason",),
        _uphold,
        "primary",
        gettext_lazy("Uphold? What is left is revoked, the debtor is barred, and the amount is demanded."),
    ),
    "dismiss": Act(gettext_lazy("Drop the case"), Duty.CLAW_BACK, _droppable, ("reason",), _dismiss, "danger-quiet"),
    "recover": Act(
        gettext_lazy("Write down a repayment"),
        Duty.PAY,
        _at(*OWED),
        ("amount", "reference"),
        _recover,
        "primary",
    ),
    "plan": Act(gettext_lazy("Agree on instalments"), Duty.CLAW_BACK, _plannable, ("parts",), _plan),
    "refer": Act(
        gettext_lazy("Refer"),
        Duty.CLAW_BACK,
        _late,
        ("to",),
        _refer,
        "danger-quiet",
        gettext_lazy("Refer? The amount stays owed."),
    ),
    "stand": Act(
        gettext_lazy("Let the decision stand"),
        Duty.CLAW_BACK,
        _appealed,
        ("reason",),
        _stand,
        "primary",
        gettext_lazy("Let it stand? The debtor is barred again, and has days to pay anew."),
    ),
    "reduce": Act(
        gettext_lazy("Demand less"),
        Duty.CLAW_BACK,
        _reducible,
        ("reason", "amount"),
        _reduce,
        "",
        gettext_lazy("Demand only this principal, with the interest on it? What came back of the rest is given back."),
    ),
    "quash": Act(
        gettext_lazy("Quash the decision"),
        Duty.CLAW_BACK,
        _appealed,
        ("reason",),
        _quash,
        "danger-quiet",
        gettext_lazy("Quash? Nothing is demanded, what came back is given back, and the bar is over."),
    ),
    "give-back": Act(
        gettext_lazy("Write down what was given back"),
        Duty.PAY,
        _gives_back,
        ("amount", "reference"),
        _give_back,
        "primary",
    ),
}


def offered(case: Clawback, request: PortalRequest, at: datetime) -> dict[str, Act]:
    """Return what the person may do with a case now."""
    if not finding_acts.writes(request):
        return {}
    duties = request.rights.duties
    return {verb: act for verb, act in ACTS.items() if act.duty in duties and act.fits(case, request.user, at)}


def act(request: PortalRequest, verb: str, case: Clawback, said: dict[str, Any]) -> None:
    """Do it, as the person who asks.

    :raises DomainError: if a service refuses.
    """
    if verb not in ACTS:
        raise Http404
    ACTS[verb].run(case, said, {"actor": access.actor(request), "at": clock.now()})


def fields_of(verb: str) -> dict[str, str]:
    """Return beside which inputs an act shows what services call by other names."""
    needs = ACTS[verb].needs
    return {"amount_fen": "amount", "principal_fen": "amount"} | ({"reason": needs[0]} if needs else {})


def draft_of(case: Clawback, suspected_fen: int) -> str:
    """Return what a notice may say, for the officer to complete."""
    days = integrity_terms.sanctions(case.grant.programme).response_working_days
    terms = {
        "programme": case.grant.programme.name,
        "amount": format_yuan(suspected_fen),
        "reason": case.reason,
        "days": days,
    }
    return (
        _(
            "In %(programme)s, ¥%(amount)s paid by your voucher is in question: %(reason)s\n"
            "Please explain and hand in what proves it within %(days)s working days from the day after this notice. "
            "Without an answer we decide on what we have."
        )
        % terms
    )
