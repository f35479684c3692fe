"""Keys of machines: bearer keys to ask with, public keys that check usage reports."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.models import ApiKey, OrganizationKind, Scope, SigningKey
from accounts.services import keys
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, paging
from portal.access import PortalRequest, owner_required, party_required, seller_owner_required
from portal.forms import ConsoleForm

PEM = b"-----BEGIN"
SCOPES = {
    OrganizationKind.BUYER: [Scope.READ, Scope.ORDERS, Scope.PAYMENTS],
    OrganizationKind.PROVIDER: [Scope.READ, Scope.OFFERINGS, Scope.USAGE],
}
LIFETIMES = [("90", gettext_lazy("90 days")), ("365", gettext_lazy("1 year")), ("", gettext_lazy("No expiry"))]


class KeyForm(ConsoleForm):
    """A new API key."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    scopes = forms.MultipleChoiceField(label=gettext_lazy("May be used to"), widget=forms.CheckboxSelectMultiple)
    lifetime = forms.ChoiceField(label=gettext_lazy("Valid for"), choices=LIFETIMES, required=False, initial="90")

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [(one.value, one.label) for one in SCOPES[OrganizationKind(kind)]]


class SigningKeyForm(ConsoleForm):
    """A public Ed25519 key, as PEM or as the base64 of its 32 bytes."""

    public_key = forms.CharField(
        label=gettext_lazy("Public key (Ed25519)"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=gettext_lazy("PEM, or the base64 of the 32 bytes. The private key stays with you."),
    )

    def clean_public_key(self) -> bytes:
        text = self.cleaned_data["public_key"].strip().encode()
        try:
            return _pem(text) if text.startswith(PEM) else base64.b64decode(text, validate=True)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValidationError(_("This is not a public Ed25519 key."), code="public-key") from error


def _pem(text: bytes) -> bytes:
    key = load_pem_public_key(text)
    if not isinstance(key, Ed25519PublicKey):
        raise UnsupportedAlgorithm("another kind of key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _show(request: PortalRequest, **forms_or_token: Any) -> HttpResponse:
    organization = request.organization
    context = {
        "page": paging.page(request, ApiKey.objects.filter(organization=organization).select_related("created_by")),
        "signing_keys": SigningKey.objects.filter(organization=organization).order_by("-pk"),
        "signs": organization.kind == OrganizationKind.PROVIDER,
        "key_form": KeyForm(kind=organization.kind),
        "signing_form": SigningKeyForm(),
        "at": clock.now(),
        **forms_or_token,
    }
    return render(request, "portal/developer.html", context)


@party_required
def index(request: PortalRequest) -> HttpResponse:
    """Show the organisation's keys; the keys themselves are not kept."""
    return _show(request)


@require_POST
@owner_required
def issue(request: PortalRequest) -> HttpResponse:
    """Issue an API key and show it this once."""
    form = KeyForm(request.POST, kind=request.organization.kind)
    if not form.is_valid():
        return _show(request, key_form=form)
    at = clock.now()
    lifetime = form.cleaned_data["lifetime"]
    key, token = keys.issue(
        organization=request.organization,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        actor=access.actor(request),
        at=at,
        expires_at=at + timedelta(days=int(lifetime)) if lifetime else None,
    )
    answer = _show(request, issued=key, token=token)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@owner_required
def revoke(request: PortalRequest, key_id: UUID) -> HttpResponse:
    """Make an API key useless."""
    key = get_object_or_404(ApiKey, pk=key_id, organization=request.organization)
    keys.revoke(key=key, actor=access.actor(request), at=clock.now())
    messages.success(request, _("The key no longer opens anything."))
    return redirect("portal:developer")


@require_POST
@seller_owner_required
def register(request: PortalRequest) -> HttpResponse:
    """Register a public key that checks usage reports."""
    form = SigningKeyForm(request.POST)
    if form.is_valid():
        try:
            keys.register_signing_key(
                organization=request.organization,
                public_key=form.cleaned_data["public_key"],
                actor=access.actor(request),
                at=clock.now(),
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("The public key is registered."))
            return redirect("portal:developer")
    return _show(request, signing_form=form)


@require_POST
@seller_owner_required
def revoke_signing(request: PortalRequest, key_id: UUID) -> HttpResponse:
    """Let a public key check no further usage reports."""
    key = get_object_or_404(SigningKey, pk=key_id, organization=request.organization)
    keys.revoke_signing_key(key=key, actor=access.actor(request), at=clock.now())
    messages.success(request, _("Reports signed with this key are refused from now on."))
    return redirect("portal:developer")
