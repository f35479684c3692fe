"""What is known of a site, with who says so and until when: certificates, and how far it is from where buyers are."""

from datetime import date, datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.models import EntityQuerySet, Row
from core.uploads import hidden_place
from market.models.catalogue import Site

PROBES_COUNT_FOR = timedelta(days=30)


class CertificateKind(models.TextChoices):
    """What a certificate is about."""

    PUE = "pue", _("PUE")
    GREEN = "green", _("Share of green power")


class SiteCertificateQuerySet(EntityQuerySet["SiteCertificate"]):
    """Certificates by whether they count."""

    def good(self, on: date) -> Self:
        return self.filter(valid_from__lte=on, expires_on__gt=on, withdrawn_at=None)


class SiteCertificate(Row):
    """A figure of a site with its certificate: PUE in thousandths, green power in basis points.

    It counts from its first day up to, but without, the day on which it expires; after that nothing is known.
    """

    id = models.BigAutoField(primary_key=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="certificates")
    kind = models.CharField(_("kind"), max_length=8, choices=CertificateKind)
    value = models.PositiveIntegerField(_("value"))
    issuer = models.CharField(_("issuer"), max_length=120)
    number = models.CharField(_("number"), max_length=80)
    valid_from = models.DateField(_("valid from"))
    expires_on = models.DateField(_("expires"))
    file = models.FileField(upload_to=hidden_place, max_length=120, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)

    objects = SiteCertificateQuerySet.as_manager()

    class Meta:
        verbose_name = _("certificate of a site")
        verbose_name_plural = _("certificates of sites")
        constraints = [
            UniqueConstraint(fields=["site", "kind", "issuer", "number"], name="site_certificate_once"),
            models.CheckConstraint(
                condition=Q(kind=CertificateKind.PUE, value__gte=1_000, value__lte=5_000)
                | Q(kind=CertificateKind.GREEN, value__lte=10_000),
                name="site_certificate_value_possible",
            ),
            models.CheckConstraint(condition=Q(expires_on__gt=F("valid_from")), name="site_certificate_not_empty"),
        ]


class LatencyProbeQuerySet(EntityQuerySet["LatencyProbe"]):
    """Probes by whether they still count."""

    def fresh(self, at: datetime) -> Self:
        return self.filter(measured_at__lte=at, measured_at__gt=at - PROBES_COUNT_FOR)


class LatencyProbe(Row):
    """The median round trip between a site and a city, as somebody measured it. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="probes", db_index=False)
    city = models.CharField(_("city"), max_length=40)
    p50_us = models.PositiveIntegerField(_("median round trip (µs)"))
    measured_at = models.DateTimeField(_("measured at"))
    source = models.CharField(_("source"), max_length=120)
    reported_by = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")

    objects = LatencyProbeQuerySet.as_manager()

    class Meta:
        verbose_name = _("latency probe")
        verbose_name_plural = _("latency probes")
        indexes = [models.Index(fields=["city", "site", "-measured_at"], name="latency_probe_nearest")]
        constraints = [
            UniqueConstraint(fields=["site", "city", "measured_at", "source"], name="latency_probe_once"),
            models.CheckConstraint(condition=Q(p50_us__gt=0), name="latency_probe_positive"),
        ]
