"""Where a provider stands with the operator: what it handed in, what is missing, what was decided."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.models import DocumentKind, Onboarding, OnboardingDocument, OrganizationKind
from accounts.services import onboardings
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, files
from portal.access import PortalRequest, member_required, seller_owner_required, seller_required
from portal.fields import UploadField
from portal.forms import ConsoleForm


class DocumentForm(ConsoleForm):
    """A file, and what it is."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=DocumentKind.choices)
    file = UploadField(
        label=gettext_lazy("File"),
        max_length=200,
        help_text=gettext_lazy("PDF, PNG or JPEG, at most 5 MB."),
        widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg"}),
    )


@seller_required
def index(request: PortalRequest) -> HttpResponse:
    """Show where the provider stands, and take a document of its owner."""
    onboarding = onboardings.of(request.organization)
    sent = request.POST if request.method == "POST" and request.rights.own else None
    form = DocumentForm(sent, request.FILES if sent is not None else None)
    if sent is not None and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            onboardings.upload(
                onboarding=onboarding,
                kind=form.cleaned_data["kind"],
                name=file.name,
                content=file.read(),
                actor=access.actor(request),
                at=clock.now(),
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("The file has been kept."))
            return redirect("portal:onboarding")
    return render(request, "portal/seller/onboarding.html", {"form": form, **_standing(onboarding)})


def _standing(onboarding: Onboarding) -> dict[str, Any]:
    lacking = onboardings.missing(onboarding)
    return {
        "onboarding": onboarding,
        "documents": onboarding.documents.select_related("uploaded_by").order_by("-uploaded_at", "-pk"),
        "lacking": [kind.label for kind in lacking],
        "takes": onboarding.status in onboardings.OPEN,
        "can_submit": onboarding.status in onboardings.OPEN and not lacking,
    }


@require_POST
@seller_owner_required
def submit(request: PortalRequest) -> HttpResponse:
    """Hand the documents in."""
    try:
        onboardings.submit(onboarding=onboardings.of(request.organization), actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("The documents are handed in. A person of the operator checks them."))
    return redirect("portal:onboarding")


@member_required(OrganizationKind.PROVIDER, OrganizationKind.OPERATOR)
def document(request: PortalRequest, document_id: UUID) -> HttpResponseBase:
    """Hand a document to its provider's people or to the operator's; for others it does not exist."""
    mine = Q(onboarding__organization=request.organization)
    everyone = Q() if request.organization.kind == OrganizationKind.OPERATOR else mine
    kept = get_object_or_404(OnboardingDocument.objects.filter(everyone), pk=document_id)
    return files.download(str(kept.file.name), name=kept.name, media_type=kept.media_type)
