"""The public list of awards 公示: who is proposed for how much, and a form for whoever objects."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.api.rates import AddressRate
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, paging
from portal.access import PortalRequest
from portal.forms import ConsoleForm, FilterForm
from vouchers import masks
from vouchers.models import Application, ApplicationStatus
from vouchers.services.applications import publicity

PUBLIC = [(status.value, status.label) for status in (ApplicationStatus.PUBLICITY, ApplicationStatus.GRANTED)]


class ObjectionRate(AddressRate):
    """Enough for a person, too few for a flood."""

    scope = "objections"


class AwardFilter(FilterForm):
    """Which awards to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *PUBLIC]
    )
    programme__code = forms.CharField(label=gettext_lazy("Programme"), required=False, max_length=40)


class ObjectionForm(ConsoleForm):
    """What somebody says against an award, and how to reach them."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    contact = forms.CharField(label=gettext_lazy("Phone or mail"), max_length=120)
    text = forms.CharField(label=gettext_lazy("Objection"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 4}))


@access.public
def index(request: PortalRequest) -> HttpResponse:
    """List the awards that stand in public, and those granted after it, the latest first."""
    form = AwardFilter(request.GET)
    rows = Application.objects.published().exclude(publicity_from=None).filter(**form.chosen())
    shown = rows.select_related("applicant", "round", "programme__authority")
    page = paging.page(request, shown, ordering=("-publicity_from", "-pk"))
    awards = [_masked(one) for one in page.rows]
    return render(request, "portal/public/awards.html", {"form": form, "page": page, "awards": awards})


@access.public
def detail(request: PortalRequest, application_id: UUID) -> HttpResponse:
    """Show one award and take an objection while it stands in public, a few an hour from one address."""
    rows = Application.objects.published().exclude(publicity_from=None)
    shown = rows.select_related("applicant", "round", "programme__authority")
    application, at = get_object_or_404(shown, pk=application_id), clock.now()
    sent = request.POST if request.method == "POST" else None
    form = ObjectionForm(sent)
    status = 200
    if sent is not None and form.is_valid():
        status = _object(request, application, form)
        if status == 201:
            return redirect("portal:award", application.pk)
    until = application.publicity_until
    takes = until is not None and at < until and application.status in ("publicity", "objected")
    shown_with = {"form": form, "takes": takes} | _masked(application)
    return render(request, "portal/public/award.html", shown_with, status=status)


def _object(request: PortalRequest, application: Application, form: ObjectionForm) -> int:
    """Take an objection, or say in the form why not; return how it went, as HTTP says it."""
    if not ObjectionRate().allow_request(request, None):  # type: ignore[arg-type]
        form.add_error(None, _("Too many objections from here. Try again in an hour."))
        return 429
    try:
        publicity.raise_objection(application=application, at=clock.now(), **form.cleaned_data)
    except DomainError as error:
        show_refusal(form, error)
        return 200
    messages.success(request, _("Your objection has been kept. The authority will look into it."))
    return 201


def _masked(application: Application) -> dict[str, Any]:
    """Return what the public may see of an award: the firm and the sum, no person, no contract."""
    return {
        "application": application,
        "firm": application.applicant.name,
        "credit_code": masks.credit_code(application.applicant.credit_code),
        "contract_no": masks.number(application.contract_no),
    }
