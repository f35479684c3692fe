"""Providers who wait to be verified, and what an operator decides about them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Onboarding, OnboardingStatus
from accounts.services import onboardings
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.periods import date_of
from portal import access, paging
from portal.access import PortalRequest, operator_required, operator_reviewer_required
from portal.fields import DayField
from portal.forms import ConsoleForm, FilterForm

YEAR_DAYS = 365
REFUSALS: dict[str, Callable[..., Any]] = {"reject": onboardings.reject, "suspend": onboardings.suspend}
VERBS = {
    OnboardingStatus.SUBMITTED: ["verify", "reject"],
    OnboardingStatus.VERIFIED: ["suspend"],
    OnboardingStatus.SUSPENDED: ["verify", "reject"],
}
WAITING = "waiting"


class OnboardingFilter(FilterForm):
    """Which of the providers to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("Any")), (WAITING, gettext_lazy("To be checked")), *OnboardingStatus.choices],
    )
    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=120)


class DecisionForm(ConsoleForm):
    """Until when a verification is good, or why there is none."""

    good_until = DayField(label=gettext_lazy("Good until"), required=False)
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=500)


@operator_required
def index(request: PortalRequest) -> HttpResponse:
    """List the providers, the latest first."""
    form = OnboardingFilter(request.GET)
    chosen = form.chosen()
    rows = Onboarding.objects.select_related("organization", "submitted_by", "decided_by")
    if chosen.get("status") == WAITING:
        rows = rows.waiting()
    elif "status" in chosen:
        rows = rows.filter(status=chosen["status"])
    if "name" in chosen:
        rows = rows.filter(organization__name__icontains=chosen["name"])
    return render(request, "portal/desk/onboardings.html", {"form": form, "page": paging.page(request, rows)})


@operator_required
def detail(request: PortalRequest, onboarding_id: UUID) -> HttpResponseBase:
    """Show what a provider handed in, and take the decision."""
    rows = Onboarding.objects.select_related("organization", "submitted_by", "decided_by")
    onboarding = get_object_or_404(rows, pk=onboarding_id)
    if request.method == "POST":
        return _decide(request, onboarding)
    later = date_of(clock.now()).toordinal() + YEAR_DAYS
    form = DecisionForm(initial={"good_until": date_of(clock.now()).fromordinal(later)})
    return _show(request, onboarding, form)


def _show(request: PortalRequest, onboarding: Onboarding, form: DecisionForm) -> HttpResponse:
    verbs = VERBS.get(OnboardingStatus(onboarding.status), [])
    renewing = Onboarding.objects.waiting().verified().filter(pk=onboarding.pk).exists()
    context = {
        "onboarding": onboarding,
        "documents": onboarding.documents.select_related("uploaded_by").order_by("-uploaded_at", "-pk"),
        "lacking": [kind.label for kind in onboardings.missing(onboarding)],
        "verbs": ["verify", *verbs] if renewing else verbs,
        "form": form,
    }
    return render(request, "portal/desk/onboarding.html", context)


@operator_reviewer_required
def _decide(request: PortalRequest, onboarding: Onboarding) -> HttpResponse:
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _show(request, onboarding, form)
    try:
        _act(request, onboarding, form)
    except DomainError as error:
        show_refusal(form, error)
        return _show(request, onboarding, form)
    messages.success(request, _("Noted."))
    return redirect("portal:onboarding-desk", onboarding.pk)


def _act(request: PortalRequest, onboarding: Onboarding, form: DecisionForm) -> None:
    verb = request.POST.get("verb", "")
    who: dict[str, Any] = {"onboarding": onboarding, "actor": access.actor(request), "at": clock.now()}
    if verb == "verify":
        if form.cleaned_data["good_until"] is None:
            raise onboardings.BadDay(_("Until when?"), fields={"good_until": _("Choose a day.")})
        onboardings.verify(good_until=form.cleaned_data["good_until"], **who)
    elif verb in REFUSALS:
        REFUSALS[verb](reason=form.cleaned_data["reason"], **who)
    else:
        raise Http404
