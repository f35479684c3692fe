"""Conflicts of interest: officers name the firms that they cannot judge, before anybody has to ask."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Interest, Organization
from accounts.services import duties
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, paging
from portal.access import PortalRequest, authority_required
from portal.forms import ConsoleForm


class InterestForm(ConsoleForm):
    """A firm, found by its credit code, and what binds the officer to it."""

    credit_code = forms.CharField(label=gettext_lazy("Unified social credit code of the firm"), max_length=18)
    note = forms.CharField(label=gettext_lazy("Nature of the interest"), max_length=300)

    def clean_credit_code(self) -> Organization:
        code = self.cleaned_data["credit_code"].strip().upper()
        firm = Organization.objects.filter(credit_code=code).first()
        if firm is None:
            raise forms.ValidationError(_("Nobody is registered under this credit code."), code="unknown")
        return firm


@authority_required
def index(request: PortalRequest) -> HttpResponse:
    """Show the officer's own declarations, and take another."""
    form = InterestForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and _declared(request, form):
        messages.success(request, _("Noted. You are asked for no decision about this firm."))
        return redirect("portal:interests")
    rows = Interest.objects.filter(user=request.user).select_related("organization")
    return render(request, "portal/desk/interests.html", {"form": form, "page": paging.page(request, rows)})


def _declared(request: PortalRequest, form: InterestForm) -> bool:
    firm, note = form.cleaned_data["credit_code"], form.cleaned_data["note"]
    try:
        duties.declare_interest(of=firm, note=note, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        show_refusal(form, error)
        return False
    return True
