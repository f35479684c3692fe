"""Which applications a person of the desk sees, and what they may filter by."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy

from accounts.duties import Duty
from accounts.models import Membership, Role, User
from core import clock
from portal.access import PortalRequest
from portal.desk.queues import DAY, by_due
from portal.forms import FilterForm
from vouchers.models import Application, ApplicationStatus, Programme, Review, Round
from vouchers.models.application import OPEN, PUBLIC, REVIEWS, UNDECIDED

DUTIES = (Duty.READ, Duty.REVIEW_DISTRICT, Duty.SCORE)
SHOWN = ("round", "programme", "applicant", "provider", "assignee")
S = ApplicationStatus
TO_DECIDE = (S.PROPOSED, S.PUBLICITY, S.OBJECTED, S.APPROVED)
STANDS = {
    "review": (gettext_lazy("Under review"), REVIEWS),
    "decide": (gettext_lazy("To be decided"), TO_DECIDE),
    "open": (gettext_lazy("Everything open"), (*OPEN, *TO_DECIDE)),
    "public": (gettext_lazy("In public"), PUBLIC),
}


class CaseFilter(FilterForm):
    """Which applications to show."""

    q = forms.CharField(label=gettext_lazy("Firm, credit code or contract"), required=False, max_length=120)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[
            ("", gettext_lazy("Any")),
            *((code, label) for code, (label, _statuses) in STANDS.items()),
            *((code, label) for code, label in S.choices if code != S.DRAFT),
        ],
    )
    round = forms.ModelChoiceField(Round.objects.none(), label=gettext_lazy("Round"), required=False)
    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"), required=False)
    district = forms.CharField(label=gettext_lazy("District"), required=False, max_length=40)
    whose = forms.ChoiceField(
        label=gettext_lazy("Assigned to"),
        required=False,
        choices=[("", gettext_lazy("Anybody")), ("me", gettext_lazy("Me")), ("none", gettext_lazy("Nobody"))],
    )
    flag = forms.ChoiceField(
        label=gettext_lazy("Flag"),
        required=False,
        choices=[
            ("", gettext_lazy("Any")),
            ("overdue", gettext_lazy("Overdue")),
            ("soon", gettext_lazy("Due within a day")),
            ("undecided", gettext_lazy("Decision overdue")),
            ("found", gettext_lazy("With findings")),
        ],
    )

    def __init__(self, data: Any, request: PortalRequest) -> None:
        super().__init__(data)
        self.user = request.user
        rounds, programmes = Round.objects.all(), Programme.objects.all()
        self.fields["round"].queryset = rounds.of_authority(request.organization).order_by("-pk")
        self.fields["programme"].queryset = programmes.of_authority(request.organization).order_by("name")

    def narrow(self, rows: QuerySet[Application], at: datetime) -> QuerySet[Application]:
        """Keep the rows that the filters ask for."""
        chosen = self.chosen()
        for name in ("round", "programme", "district"):
            if name in chosen:
                rows = rows.filter(**{name: chosen[name]})
        if "q" in chosen:
            rows = rows.filter(_named(chosen["q"]))
        if "state" in chosen:
            _label, statuses = STANDS.get(chosen["state"], ("", (chosen["state"],)))
            rows = rows.filter(status__in=statuses)
        if "whose" in chosen:
            rows = rows.filter(assignee=self.user if chosen["whose"] == "me" else None)
        return rows.filter(_flagged(chosen.get("flag", ""), at))


def _named(text: str) -> Q:
    firm = Q(applicant__name__icontains=text) | Q(applicant__credit_code__iexact=text.strip())
    return firm | Q(contract_no__icontains=text)


def _flagged(flag: str, at: datetime) -> Q:
    flags = {
        "overdue": Q(due_at__lte=at, status__in=REVIEWS),
        "soon": Q(due_at__gt=at, due_at__lte=at + DAY, status__in=REVIEWS),
        "undecided": Q(decide_by__lte=at, decided_at=None, status__in=UNDECIDED),
        "found": ~Q(findings=[]),
    }
    return flags.get(flag, Q())


def visible(request: PortalRequest) -> QuerySet[Application]:
    """Return the applications that the person may see: districts their own, experts those on the panel's table."""
    rows = Application.objects.of_authority(request.organization)
    role = request.membership.role if request.membership else ""
    if role == Role.DISTRICT and request.membership:
        rows = rows.filter(district=request.membership.district)
    if role == Role.EXPERT:
        mine = Review.objects.filter(reviewer=request.user).values("application")
        rows = rows.filter(Q(status=S.PANEL) | Q(pk__in=mine))
    return rows


def queue(request: PortalRequest, form: CaseFilter) -> QuerySet[Application]:
    """Return what the filters leave of it, to be paged by ``ORDERING``: what is due first comes first."""
    return by_due(form.narrow(visible(request), clock.now())).select_related(*SHOWN)


def reviewers(request: PortalRequest) -> list[User]:
    """Return who of the authority reviews."""
    seats = Membership.objects.filter(organization=request.organization, role__in=[Role.OWNER, Role.REVIEWER])
    return [seat.user for seat in seats.select_related("user").order_by("user__username")]
