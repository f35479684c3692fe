"""What may be done with claims at the desk: the services behind the buttons, and who is offered what."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.duties import Duty
from accounts.models import Membership, Role, User
from core import clock
from core.errors import Conflict
from portal import access
from portal.access import PortalRequest
from portal.desk.acts import Act
from portal.forms import ConsoleForm
from vouchers.models import Claim, ClaimStatus
from vouchers.models.claim import WITH_APPROVER, WITH_FINANCE, WITH_OPERATOR
from vouchers.services.claims import decisions, steps

S = ClaimStatus
CHECKING, APPROVING, PAYING = (frozenset({duty}) for duty in (Duty.CHECK_CLAIMS, Duty.APPROVE_CLAIMS, Duty.PAY))
ANYBODY = CHECKING | APPROVING | PAYING
IN_HAND = frozenset({*WITH_OPERATOR, *WITH_APPROVER, *WITH_FINANCE})
SEATS = (Role.OWNER, Role.REVIEWER, Role.FINANCE)


class MovedOn(Conflict):
    """Somebody else has taken the claim further since the page was opened."""

    code = "claim-moved-on"


class SaidForm(ConsoleForm):
    """What a person says to an act: each takes what it needs."""

    opinion = forms.CharField(
        label=gettext_lazy("Reason or word to the claimant"),
        max_length=1_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    assignee = forms.ModelChoiceField(
        User.objects.none(), label=gettext_lazy("Assign to"), required=False, empty_label=gettext_lazy("Nobody")
    )

    def __init__(self, *args: Any, request: PortalRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seats = Membership.objects.filter(organization=request.organization, role__in=SEATS)
        people = User.objects.filter(pk__in=seats.values("user")).order_by("username")
        self.fields["assignee"].queryset = people


def _plain(service: Callable[..., Any]) -> Callable[[Claim, dict[str, Any], dict[str, Any]], Any]:
    return lambda claim, _said, who: service(claim=claim, **who)


def _noted(service: Callable[..., Any]) -> Callable[[Claim, dict[str, Any], dict[str, Any]], Any]:
    return lambda claim, said, who: service(claim=claim, note=said["opinion"], **who)


def _assign(claim: Claim, said: dict[str, Any], who: dict[str, Any]) -> None:
    steps.assign(claim=claim, to=said["assignee"], **who)


def _take(claim: Claim, _said: dict[str, Any], who: dict[str, Any]) -> None:
    steps.assign(claim=claim, to=who["actor"].user, **who)


ACTS: dict[str, Act[Claim]] = {
    "check": Act(
        gettext_lazy("Take up for checking"),
        CHECKING,
        frozenset({S.SUBMITTED}),
        _plain(steps.check),
        "primary",
        key="approve",
    ),
    "sample": Act(
        gettext_lazy("Complete: draw the sample"),
        CHECKING,
        frozenset({S.OPERATOR_CHECK}),
        _plain(steps.sample),
        "primary",
        key="approve",
    ),
    "accept": Act(
        gettext_lazy("Accept every line"),
        APPROVING,
        frozenset(WITH_APPROVER),
        _plain(decisions.decide),
        "primary",
        gettext_lazy("Accept every line of these claims? What is accepted is owed at once."),
    ),
    "send-back": Act(
        gettext_lazy("Return to the claimant"),
        CHECKING,
        frozenset(WITH_OPERATOR),
        _noted(steps.send_back),
        key="return",
    ),
    "return": Act(
        gettext_lazy("Return to the claimant"),
        APPROVING,
        frozenset(WITH_APPROVER),
        _noted(steps.send_back),
        key="return",
    ),
    "take-over": Act(
        gettext_lazy("Take over for payment"),
        PAYING,
        frozenset({S.APPROVED, S.PARTLY_APPROVED, S.PAYMENT_FAILED}),
        _plain(steps.take_over),
        "primary",
        key="approve",
    ),
    "reconsider": Act(
        gettext_lazy("Have it looked at again"),
        APPROVING | PAYING,
        frozenset({S.APPROVED, S.PARTLY_APPROVED, S.FINANCE_REVIEW}),
        _noted(decisions.reconsider),
        key="return",
    ),
    "take": Act(gettext_lazy("Assign to me"), ANYBODY, IN_HAND, _take),
    "assign": Act(gettext_lazy("Assign"), ANYBODY, IN_HAND, _assign),
}


def offered(claim: Claim, request: PortalRequest) -> dict[str, Act[Claim]]:
    """Return what the person may do with a claim on its own page, where every line is decided by itself."""
    duties = request.rights.duties
    return {verb: act for verb, act in ACTS.items() if verb != "accept" and act.fits(claim, duties)}


def for_many(request: PortalRequest) -> dict[str, Act[Claim]]:
    """Return what the person may do with many claims at once."""
    return {verb: act for verb, act in ACTS.items() if act.duties & request.rights.duties}


def run(request: PortalRequest, verb: str, claim: Claim, said: dict[str, Any], *, seen: str = "") -> None:
    """Do it, as the person who asks.

    :param seen: the state in which the person saw the claim, if the page said.
    :raises Forbidden: if their role does not do this.
    :raises MovedOn: if the claim is further on by now.
    :raises DomainError: if a service refuses.
    """
    access.require_duty(request, *ACTS[verb].duties)
    require_seen(claim, seen)
    ACTS[verb].run(claim, said, {"actor": access.actor(request), "at": clock.now()})


def require_seen(claim: Claim, seen: str) -> None:
    """Ask that a claim is in the state in which the person saw it, if the page said.

    :raises MovedOn: if it is further on by now.
    """
    if seen and seen != claim.status:
        raise MovedOn(_("Somebody else has taken this claim further meanwhile."))
