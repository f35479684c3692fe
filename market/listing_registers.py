"""Registers of what is known of cards and sites, and of what stands beside offerings."""

from django.contrib import admin
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from core.admin import ReadOnlyAdmin, price
from market.models import (
    CalendarEdit,
    ExtraLine,
    Figure,
    LatencyProbe,
    Measurement,
    OfferingImport,
    ServiceTerms,
    SiteCertificate,
    TermsConsent,
)


class CalendarEditAdmin(ReadOnlyAdmin):
    """Maintenance and other changes of calendars."""

    list_display = ["offering", "starts_at", "ends_at", "capacity", "reason", "made_at"]
    list_select_related = ["offering"]
    search_fields = ["offering__name", "reason"]


class ExtraLineAdmin(ReadOnlyAdmin):
    """Lines beside the card-hour."""

    list_display = ["offering", "kind", "name", "unit", price("price_micro", _("yuan per unit"))]
    list_select_related = ["offering"]
    list_filter = ["kind"]
    search_fields = ["offering__name", "name"]


class ServiceTermsAdmin(ReadOnlyAdmin):
    """Versions of terms of service."""

    list_display = ["offering", "version", "sha256", "published_at"]
    list_select_related = ["offering"]
    search_fields = ["offering__name"]


class TermsConsentAdmin(ReadOnlyAdmin):
    """Who agreed to which terms."""

    list_display = ["buyer", "terms_id", "sha256", "by", "at"]
    list_select_related = ["buyer", "by"]
    search_fields = ["buyer__name"]


class SiteCertificateAdmin(ReadOnlyAdmin):
    """Figures of sites with their certificates."""

    list_display = ["site", "kind", "value", "issuer", "number", "valid_from", "expires_on", "withdrawn_at"]
    list_select_related = ["site"]
    list_filter = ["kind"]
    search_fields = ["site__name", "number"]
    exclude = ["file"]


class LatencyProbeAdmin(ReadOnlyAdmin):
    """Measured round trips."""

    list_display = ["site", "city", "p50_us", "measured_at", "source", "reported_by"]
    list_select_related = ["site", "reported_by"]
    search_fields = ["site__name", "city"]


class MeasurementAdmin(ReadOnlyAdmin):
    """What providers measured on their cards."""

    list_display = ["provider", "accelerator", "metric", "value", "runs", "measured_on", "expires_on", "status"]
    list_select_related = ["provider", "accelerator"]
    list_filter = ["status", "metric"]
    search_fields = ["provider__name", "accelerator__code"]


class OfferingImportAdmin(ReadOnlyAdmin):
    """Uploaded files of offerings."""

    list_display = ["provider", "name", "uploaded_by", "uploaded_at", "applied_at"]
    list_select_related = ["provider", "uploaded_by"]
    exclude = ["content"]


class FigureAdmin(ReadOnlyAdmin):
    """Figures of card models with their sources."""

    list_display = ["accelerator", "metric", "density", "kind", "value", "unit_of", "source", "dated_on", "expires_on"]
    list_filter = ["kind", "metric"]
    list_select_related = ["accelerator"]
    search_fields = ["accelerator__code", "accelerator__name", "source"]
    ordering = ["accelerator__code", "metric", "-dated_on"]

    @admin.display(description=_("unit"))
    def unit_of(self, figure: Figure) -> str:
        return figure.unit


REGISTERS: dict[type[Model], type[ReadOnlyAdmin]] = {
    CalendarEdit: CalendarEditAdmin,
    ExtraLine: ExtraLineAdmin,
    ServiceTerms: ServiceTermsAdmin,
    TermsConsent: TermsConsentAdmin,
    SiteCertificate: SiteCertificateAdmin,
    LatencyProbe: LatencyProbeAdmin,
    Figure: FigureAdmin,
    Measurement: MeasurementAdmin,
    OfferingImport: OfferingImportAdmin,
}


def enter(site: admin.AdminSite) -> None:
    """Enter the registers at the site of the administrators."""
    for model, register in REGISTERS.items():
        site.register(model, register)
