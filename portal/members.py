"""The people of a buyer or a provider: everybody sees them, an owner changes their roles and lets them go."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import Membership
from accounts.services import members
from core import clock
from core.errors import DomainError
from portal import access, paging
from portal.access import PortalRequest, owner_required, party_required
from portal.forms import ConsoleForm

VERBS: dict[str, Callable[..., Any]] = {"role": members.change_role, "remove": members.remove}
ORDER = ("created_at", "pk")


class RoleForm(ConsoleForm):
    """What somebody may do."""

    role = forms.ChoiceField(choices=[(role.value, role.label) for role in members.ROLES])


@party_required
def index(request: PortalRequest) -> HttpResponse:
    """List the organisation's people."""
    rows = Membership.objects.filter(organization=request.organization).select_related("user")
    context = {"page": paging.page(request, rows, ordering=ORDER), "roles": RoleForm().fields["role"].choices}
    return render(request, "portal/members.html", context)


@require_POST
@owner_required
def act(request: PortalRequest, membership_id: UUID, verb: str) -> HttpResponse:
    """Give somebody another role, or let them go."""
    if verb not in VERBS:
        raise Http404
    member = get_object_or_404(Membership, organization=request.organization, pk=membership_id)
    form = RoleForm(request.POST)
    if verb == "role" and not form.is_valid():
        messages.error(request, _("There is no such role."))
        return redirect("portal:members")
    said = form.cleaned_data if verb == "role" else {}
    try:
        VERBS[verb](membership=member, actor=access.actor(request), at=clock.now(), **said)
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:members")
