"""A provider's sites: register one, record certificates, see what is measured."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.periods import date_of
from market.models import CertificateKind, Site, SiteCertificate, SiteStatus
from market.selectors import sites
from market.services import catalogue, places
from portal import access, paging
from portal.access import PortalRequest, seller_required, seller_trader_required
from portal.fields import ScaledField, UploadField
from portal.forms import ConsoleForm

MOST_SHOWN = 100
DAY = {"type": "date"}


class SiteForm(ConsoleForm):
    """Where cards stand."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    province = forms.CharField(label=gettext_lazy("Province"), max_length=40)
    city = forms.CharField(label=gettext_lazy("City"), max_length=40)
    hub_name = forms.CharField(label=gettext_lazy("Hub"), max_length=40, required=False)
    status = forms.ChoiceField(label=gettext_lazy("State"), choices=SiteStatus.choices)


class FigureField(ScaledField):
    """A PUE or a share in per cent, kept in thousandths."""

    decimals = 3
    most = 100_000


class CertificateForm(ConsoleForm):
    """A figure with the certificate behind it."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=CertificateKind.choices)
    value = FigureField(
        label=gettext_lazy("Value"), help_text=gettext_lazy("PUE like 1.25, or the share of green power in per cent.")
    )
    issuer = forms.CharField(label=gettext_lazy("Issuer"), max_length=120)
    number = forms.CharField(label=gettext_lazy("Number"), max_length=80)
    valid_from = forms.DateField(label=gettext_lazy("Valid from"), widget=forms.DateInput(attrs=DAY))
    expires_on = forms.DateField(label=gettext_lazy("Expires"), widget=forms.DateInput(attrs=DAY))
    file = UploadField(
        label=gettext_lazy("File"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("PDF, PNG or JPEG, at most 5 MB."),
        widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg"}),
    )

    def terms(self) -> dict[str, Any]:
        """Return the valid form as a certificate: green power is kept in basis points."""
        given = dict(self.cleaned_data)
        file = given.pop("file")
        if given["kind"] == CertificateKind.GREEN:
            given["value"] = given["value"] // 10
        return given | {"content": file.read() if file else b""}


def _mine(request: PortalRequest, site_id: UUID) -> Site:
    return get_object_or_404(Site.objects.filter(provider=request.organization), pk=site_id)


@seller_required
def index(request: PortalRequest) -> HttpResponse:
    """List the provider's sites with what counts of them today, and take another of its traders."""
    at = clock.now()
    sent = request.POST if request.method == "POST" and request.rights.trade else None
    form = SiteForm(sent, initial={"status": SiteStatus.OPERATING})
    if sent is not None and form.is_valid():
        try:
            catalogue.register_site(
                provider=request.organization, actor=access.actor(request), at=at, **form.cleaned_data
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            return redirect("portal:sites")
    page = paging.page(request, Site.objects.filter(provider=request.organization))
    keys = [site.pk for site in page.rows]
    pue, green = sites.pue_milli(keys, at), sites.green_bp(keys, at)
    rows = [(site, pue.get(site.pk), green.get(site.pk)) for site in page.rows]
    return render(request, "portal/seller/sites.html", {"form": form, "page": page, "rows": rows})


@seller_required
def detail(request: PortalRequest, site_id: UUID) -> HttpResponse:
    """Show what is certified and measured of a site, and take a certificate."""
    site, at = _mine(request, site_id), clock.now()
    sent = request.POST if request.method == "POST" and request.rights.trade else None
    form = CertificateForm(sent, request.FILES if sent is not None else None)
    if sent is not None and form.is_valid():
        try:
            places.certify(site=site, actor=access.actor(request), at=at, **form.terms())
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("The certificate has been recorded."))
            return redirect("portal:site", site.pk)
    probes = sites.rings_of(site.pk, at)[:MOST_SHOWN]
    context = {
        "site": site,
        "form": form,
        "on": date_of(at),
        "certificates": SiteCertificate.objects.filter(site=site).order_by("-pk")[:MOST_SHOWN],
        "probes": [(probe, sites.ring_of(probe.p50_us)) for probe in probes],
        "rings_us": sites.RINGS_US,
    }
    return render(request, "portal/seller/site.html", context)


@require_POST
@seller_trader_required
def withdraw(request: PortalRequest, site_id: UUID, certificate_id: int) -> HttpResponse:
    """Let a certificate count no more."""
    site = _mine(request, site_id)
    places.withdraw(site=site, certificate_id=certificate_id, actor=access.actor(request), at=clock.now())
    return redirect("portal:site", site.pk)
