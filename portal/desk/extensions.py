"""Vouchers that end later: proposed with a reason, one or all of a programme, and decided by another person."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from accounts.models import Organization
from core import clock
from core.errors import DomainError
from core.forms import about, show_refusal
from portal import access, paging
from portal.access import PortalRequest, duty_required, reader_required
from portal.desk import queues
from portal.fields import DayField
from portal.forms import ConsoleForm, FilterForm
from portal.grants import standings
from vouchers.models import Extension, ExtensionStatus, Grant, Programme
from vouchers.services import extensions

VERBS: dict[str, Callable[..., Any]] = {"approve": extensions.approve, "reject": extensions.reject}
PAGE = "extensions"


class ExtensionForm(ConsoleForm):
    """The new last day of a voucher, and why."""

    last_on = DayField(label=gettext_lazy("New last day"))
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}), strip=True
    )


class ManyForm(ExtensionForm):
    """The new last day of all vouchers of a programme that end earlier."""

    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"))
    field_order = ("programme", "last_on", "reason")

    def __init__(self, *args: Any, authority: Organization, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="many_%s", **kwargs)
        self.fields["programme"].queryset = Programme.objects.of_authority(authority).order_by("name", "code")


class ExtensionFilter(FilterForm):
    """Which extensions to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *ExtensionStatus.choices]
    )


@reader_required
def index(request: PortalRequest) -> HttpResponse:
    """List what was proposed, the latest first."""
    return _listed(request, ManyForm(authority=request.organization))


@duty_required(Duty.PROPOSE)
def new(request: PortalRequest, grant_id: UUID) -> HttpResponse:
    """Propose a later last day for one voucher."""
    rows = Grant.objects.of_authority(request.organization).select_related("owner", "programme")
    grant = get_object_or_404(rows, pk=grant_id)
    sent = request.POST if request.method == "POST" else None
    form = ExtensionForm(sent)
    if sent is not None and form.is_valid():
        try:
            extensions.propose(grant=grant, actor=access.actor(request), at=clock.now(), **form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Proposed. Another person has to decide."))
            return redirect("portal:extensions")
    context = {"form": form, "grant": grant, "standing": standings([grant])[0], "known": _known(grant)}
    return render(request, "portal/desk/extension_new.html", context)


@duty_required(Duty.PROPOSE)
@queues.sent_from("portal:extensions")
def make(request: PortalRequest) -> HttpResponse:
    """Propose the same last day for all vouchers of a programme that end earlier."""
    form = ManyForm(request.POST, authority=request.organization)
    if form.is_valid():
        try:
            made = extensions.propose_all(actor=access.actor(request), at=clock.now(), **form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
        else:
            said = ngettext("%(done)d extension proposed.", "%(done)d extensions proposed.", len(made))
            messages.success(request, said % {"done": len(made)})
            return redirect("portal:extensions")
    return _listed(request, form)


@require_POST
@duty_required(Duty.APPROVE)
def bulk(request: PortalRequest) -> HttpResponse:
    """Approve or turn down all that were chosen, each on its own; who was refused, and why, is said."""
    verb, chosen = request.POST.get("verb", ""), _ticked(request)
    if verb not in VERBS:
        raise Http404
    if not chosen:
        messages.error(request, _("Choose at least one case, and check what you entered."))
        return queues.back(request, "portal:extensions")
    named = Extension.objects.of_authority(request.organization).filter(pk__in=chosen).order_by("grant_id", "pk")
    rows = queues.found(request, named.select_related("grant__owner"))
    at = clock.now()
    done = sum([_tried(request, verb, one, at) for one in rows])
    if done:
        messages.success(request, ngettext("%(done)d case done.", "%(done)d cases done.", done) % {"done": done})
    return queues.back(request, "portal:extensions")


def _tried(request: PortalRequest, verb: str, extension: Extension, at: datetime) -> bool:
    try:
        VERBS[verb](extension=extension, actor=access.actor(request), at=at)
    except DomainError as error:
        messages.error(request, about(extension.grant.owner.name, error.detail))
        return False
    return True


def _ticked(request: PortalRequest) -> list[int]:
    keys = request.POST.getlist("case")[: queues.MOST_AT_ONCE]
    if not all(key.isascii() and key.isdigit() and len(key) <= queues.MOST_DIGITS for key in keys):
        raise Http404
    return [int(key) for key in keys]


def _listed(request: PortalRequest, many: ManyForm) -> HttpResponse:
    form = ExtensionFilter(request.GET)
    rows = Extension.objects.of_authority(request.organization).filter(**form.chosen())
    named = rows.select_related("grant__owner", "grant__programme", "proposed_by", "decided_by")
    page = paging.page(request, named, ordering=("-pk",))
    context = {"form": form, "many": many, "page": page, "query": request.GET.urlencode()}
    return render(request, "portal/desk/extensions.html", context)


def _known(grant: Grant) -> list[Extension]:
    return list(grant.extensions.select_related("proposed_by", "decided_by").order_by("-pk"))
