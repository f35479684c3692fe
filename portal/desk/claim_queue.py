"""Which claims a person sees at the desk, and the filters that narrow them."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy

from accounts.models import OrganizationKind
from core import clock
from portal.access import PortalRequest
from portal.desk.queues import by_due
from portal.forms import FilterForm
from vouchers.models import Claim, ClaimLine, ClaimStatus, LineStatus, Programme
from vouchers.models.claim import WITH_APPROVER, WITH_FINANCE, WITH_OPERATOR

S = ClaimStatus
TURNS = {
    "operator": (gettext_lazy("With the operator"), WITH_OPERATOR),
    "approver": (gettext_lazy("To be decided"), WITH_APPROVER),
    "finance": (gettext_lazy("With finance"), WITH_FINANCE),
}


class ClaimFilter(FilterForm):
    """Which claims to show."""

    q = forms.CharField(label=gettext_lazy("Claimant"), required=False, max_length=120)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[
            ("", gettext_lazy("Any")),
            *((code, label) for code, (label, _statuses) in TURNS.items()),
            *S.choices,
        ],
    )
    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"), required=False)
    whose = forms.ChoiceField(
        label=gettext_lazy("Assigned to"),
        required=False,
        choices=[("", gettext_lazy("Anybody")), ("me", gettext_lazy("Me")), ("none", gettext_lazy("Nobody"))],
    )
    lines = forms.ChoiceField(
        label=gettext_lazy("Lines"),
        required=False,
        choices=[
            ("", gettext_lazy("Any")),
            ("disputed", gettext_lazy("Refusal contested")),
            ("again", gettext_lazy("Handed in again")),
        ],
    )
    late = forms.BooleanField(label=gettext_lazy("Overdue"), required=False)

    def __init__(self, data: Any, request: PortalRequest) -> None:
        super().__init__(data)
        self.user = request.user
        programmes = Programme.objects.filter(published_at__isnull=False).order_by("name")
        if request.organization.kind != OrganizationKind.OPERATOR:
            programmes = programmes.of_authority(request.organization)
        self.fields["programme"].queryset = programmes

    def narrow(self, rows: QuerySet[Claim]) -> QuerySet[Claim]:
        """Keep the rows that the filters ask for."""
        chosen = self.chosen()
        if "q" in chosen:
            code = Q(claimant__credit_code__iexact=chosen["q"].strip())
            rows = rows.filter(Q(claimant__name__icontains=chosen["q"]) | code)
        if "state" in chosen:
            _label, statuses = TURNS.get(chosen["state"], ("", (chosen["state"],)))
            rows = rows.filter(status__in=statuses)
        if "programme" in chosen:
            rows = rows.filter(programme=chosen["programme"])
        if "whose" in chosen:
            rows = rows.filter(assigned_to=self.user if chosen["whose"] == "me" else None)
        if "lines" in chosen:
            rows = rows.filter(pk__in=_with_lines(chosen["lines"]).values("claim"))
        return rows.filter(due_at__lt=clock.now()) if "late" in chosen else rows


def _with_lines(which: str) -> QuerySet[ClaimLine]:
    if which == "disputed":
        return ClaimLine.objects.filter(status=LineStatus.DISPUTED)
    # What was handed in again is in a later claim, beside the line that was refused.
    earlier = ClaimLine.objects.filter(status=LineStatus.RESUBMITTED).values("redemption")
    return ClaimLine.objects.filter(redemption__in=earlier).exclude(status=LineStatus.RESUBMITTED)


def visible(request: PortalRequest) -> QuerySet[Claim]:
    """Return the claims that were handed in: the operator's are all, an authority's its own."""
    rows = Claim.objects.exclude(status__in=[S.OPEN, S.ASSEMBLED]).with_names()
    if request.organization.kind == OrganizationKind.OPERATOR:
        return rows
    return rows.of_authority(request.organization)


def queue(request: PortalRequest, form: ClaimFilter) -> QuerySet[Claim]:
    """Return what the filters leave, to be paged by ``ORDERING``: what is due first comes first."""
    return by_due(form.narrow(visible(request))).select_related("assigned_to")
