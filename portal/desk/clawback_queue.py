"""Which clawbacks a person of the desk sees, what is due in each state, and what they may filter by."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy

from accounts.duties import Duty
from core import clock
from portal.access import PortalRequest
from portal.desk.finding_queue import ANY, is_operator, programmes
from portal.desk.queues import DAY, NEVER, by_due
from portal.forms import FilterForm
from vouchers.models import Clawback, ClawbackStatus, Grant, Programme
from vouchers.models.clawback import CASES_OPEN, OWED

DUTIES = (Duty.READ, Duty.FIND)
ORDERING = ("clock_at", "-pk")
SHOWN = ("grant__programme__authority", "grant__owner", "debtor", "raised_by", "notified_by", "decided_by")
# What no rule of a programme sets: a notice follows the suspicion, and a decision the answer, within these days.
NOTICE_WITHIN, DECIDE_WITHIN = timedelta(days=7), timedelta(days=15)
# An appeal is decided in the time that the law on administrative reconsideration (art. 62) gives plain cases.
APPEAL_WITHIN = timedelta(days=30)
S = ClawbackStatus


class ClawbackFilter(FilterForm):
    """Which cases to show."""

    q = forms.CharField(label=gettext_lazy("Who owes, or credit code"), required=False, max_length=120)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[
            ANY,
            ("open", gettext_lazy("Not decided")),
            ("owed", gettext_lazy("Still owed")),
            *ClawbackStatus.choices,
        ],
    )
    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"), required=False)
    flag = forms.ChoiceField(
        label=gettext_lazy("Flag"),
        required=False,
        choices=[
            ANY,
            ("overdue", gettext_lazy("Overdue")),
            ("soon", gettext_lazy("Due within a day")),
            ("not-mine", gettext_lazy("Raised by others")),
            ("appealed", gettext_lazy("An appeal waits")),
        ],
    )

    def __init__(self, data: Any, request: PortalRequest) -> None:
        super().__init__(data)
        self.user = request.user
        self.fields["programme"].queryset = programmes(request).order_by("name")

    def narrow(self, rows: QuerySet[Clawback], at: datetime) -> QuerySet[Clawback]:
        """Keep the rows that the filters ask for; they carry ``clock_at``."""
        chosen = self.chosen()
        if "q" in chosen:
            named = Q(debtor__name__icontains=chosen["q"]) | Q(debtor__credit_code=chosen["q"].strip().upper())
            rows = rows.filter(named)
        if "programme" in chosen:
            rows = rows.filter(grant__programme=chosen["programme"])
        if "state" in chosen:
            groups = {"open": CASES_OPEN, "owed": OWED}
            rows = rows.filter(status__in=groups.get(chosen["state"], (chosen["state"],)))
        flags = {
            "overdue": Q(clock_at__lte=at),
            "soon": Q(clock_at__gt=at, clock_at__lte=at + DAY),
            "not-mine": ~Q(raised_by=self.user),
            "appealed": Q(suspended_at__isnull=False),
        }
        return rows.filter(flags.get(chosen.get("flag", ""), Q()))


def due() -> Any:
    """Return the expression of when the next step of a case is due."""
    end: Any = DateTimeField()
    return Case(
        When(suspended_at__isnull=False, then=ExpressionWrapper(F("suspended_at") + Value(APPEAL_WITHIN), end)),
        When(
            status__in=[S.SUSPECTED, S.HOLD_PLACED], then=ExpressionWrapper(F("raised_at") + Value(NOTICE_WITHIN), end)
        ),
        When(status=S.NOTICE_SENT, then=F("response_due_at")),
        When(status=S.RESPONDED, then=ExpressionWrapper(F("responded_at") + Value(DECIDE_WITHIN), end)),
        When(status__in=OWED, then=F("pay_by")),
        default=None,
        output_field=end,
    )


def visible(request: PortalRequest) -> QuerySet[Clawback]:
    """Return the cases that the person may see, each with ``clock_at``, when its next step is due."""
    rows = Clawback.objects.all() if is_operator(request) else Clawback.objects.of_authority(request.organization)
    return by_due(rows, due())


def queue(request: PortalRequest, form: ClawbackFilter) -> QuerySet[Clawback]:
    """Return what the filters leave of it, to be paged by ``ORDERING``: what is due first comes first."""
    return form.narrow(visible(request), clock.now()).select_related(*SHOWN)


def clock_of(clawback: Clawback) -> datetime | None:
    """Return when the next step of a case is due, if it has one."""
    at: datetime = vars(clawback)["clock_at"]
    return at if at < NEVER else None


def grants(request: PortalRequest) -> QuerySet[Grant]:
    """Return the grants about which the person may open cases."""
    return Grant.objects.filter(programme__in=programmes(request)).select_related("programme__authority", "owner")
