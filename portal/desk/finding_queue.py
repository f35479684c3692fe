"""Which findings a person of the desk sees, and what they may filter by."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy

from accounts.duties import Duty, roles_of
from accounts.models import Membership, OrganizationKind, Role, User
from core import clock
from portal.access import PortalRequest
from portal.desk.queues import DAY, by_due
from portal.forms import FilterForm
from vouchers.models import Finding, FindingRule, FindingStatus, Grant, Programme, ProviderListing, Severity
from vouchers.models.finding import LIVE

DUTIES = (Duty.READ, Duty.FIND)
SHOWN = ("subject", "counterparty", "programme", "grant__programme", "assigned_to")
ANY = ("", gettext_lazy("Any"))


class FindingFilter(FilterForm):
    """Which findings to show."""

    q = forms.CharField(label=gettext_lazy("Firm or credit code"), required=False, max_length=120)
    rule = forms.ChoiceField(label=gettext_lazy("Rule"), required=False, choices=[ANY, *FindingRule.choices])
    severity = forms.ChoiceField(label=gettext_lazy("Severity"), required=False, choices=[ANY, *Severity.choices])
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[ANY, ("live", gettext_lazy("Not decided")), *FindingStatus.choices],
    )
    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"), required=False)
    whose = forms.ChoiceField(
        label=gettext_lazy("Assigned to"),
        required=False,
        choices=[("", gettext_lazy("Anybody")), ("me", gettext_lazy("Me")), ("none", gettext_lazy("Nobody"))],
    )
    flag = forms.ChoiceField(
        label=gettext_lazy("Flag"),
        required=False,
        choices=[
            ANY,
            ("overdue", gettext_lazy("Overdue")),
            ("soon", gettext_lazy("Due within a day")),
            ("answered", gettext_lazy("With an answer")),
        ],
    )

    def __init__(self, data: Any, request: PortalRequest) -> None:
        super().__init__(data)
        self.user = request.user
        self.fields["programme"].queryset = programmes(request).order_by("name")

    def narrow(self, rows: QuerySet[Finding], at: datetime) -> QuerySet[Finding]:
        """Keep the rows that the filters ask for."""
        chosen = self.chosen()
        equal = {name: chosen[name] for name in ("rule", "severity") if name in chosen}
        rows = rows.filter(**equal)
        if "programme" in chosen:
            rows = rows.filter(Q(programme=chosen["programme"]) | Q(grant__programme=chosen["programme"]))
        if "q" in chosen:
            rows = rows.filter(_named(chosen["q"]))
        if "state" in chosen:
            rows = rows.filter(status__in=LIVE if chosen["state"] == "live" else [chosen["state"]])
        if "whose" in chosen:
            rows = rows.filter(assigned_to=self.user if chosen["whose"] == "me" else None)
        return rows.filter(_flagged(chosen.get("flag", ""), at))


def _named(text: str) -> Q:
    code = text.strip().upper()
    subject = Q(subject__name__icontains=text) | Q(subject__credit_code=code)
    return subject | Q(counterparty__name__icontains=text) | Q(counterparty__credit_code=code)


def _flagged(flag: str, at: datetime) -> Q:
    flags = {
        "overdue": Q(due_at__lte=at, status__in=LIVE),
        "soon": Q(due_at__gt=at, due_at__lte=at + DAY, status__in=LIVE),
        "answered": Q(answered_at__isnull=False),
    }
    return flags.get(flag, Q())


def is_operator(request: PortalRequest) -> bool:
    """Whether the person acts for the operator, who sees every authority's findings."""
    return bool(request.organization.kind == OrganizationKind.OPERATOR)


def programmes(request: PortalRequest) -> QuerySet[Programme]:
    """Return the programmes whose findings the person sees."""
    return Programme.objects.all() if is_operator(request) else Programme.objects.of_authority(request.organization)


def visible(request: PortalRequest) -> QuerySet[Finding]:
    """Return the findings that the person may see.

    An authority sees those of its programmes and grants; what nobody could lay to a programme, such as a tip, it sees
    if a firm of its own is concerned. The operator sees all, and hands the rest over.
    """
    if is_operator(request):
        return Finding.objects.all()
    mine, subject = request.organization, OuterRef("subject")
    granted = Grant.objects.of_authority(mine).filter(owner=subject)
    listed = ProviderListing.objects.of_authority(mine).filter(provider=subject)
    loose = Q(programme=None, grant=None) & (Q(Exists(granted)) | Q(Exists(listed)))
    return Finding.objects.filter(Q(programme__authority=mine) | Q(grant__programme__authority=mine) | loose)


def queue(request: PortalRequest, form: FindingFilter) -> QuerySet[Finding]:
    """Return what the filters leave of it, to be paged by ``ORDERING``: what is due first comes first."""
    return by_due(form.narrow(visible(request), clock.now())).select_related(*SHOWN)


def finders(request: PortalRequest) -> list[User]:
    """Return who looks into findings where the person acts."""
    roles = roles_of(Duty.FIND, request.organization.kind) - {Role.AUDITOR}
    seats = Membership.objects.filter(organization=request.organization, role__in=roles)
    return [seat.user for seat in seats.select_related("user").order_by("user__username")]
