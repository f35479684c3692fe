"""What there is: card models, hubs, and the sites where cards stand."""

from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.models import Entity, EntityQuerySet


class Accelerator(Entity):
    """A card model with the figures its vendor published."""

    code = models.SlugField(_("code"), max_length=60, unique=True)
    vendor = models.CharField(_("vendor"), max_length=40)
    name = models.CharField(_("model"), max_length=60)
    architecture = models.CharField(_("architecture"), max_length=40, blank=True)
    domestic = models.BooleanField(_("domestic"), default=False)
    fp16_tflops = models.DecimalField(_("FP16 (TFLOPS)"), max_digits=9, decimal_places=2, null=True, blank=True)
    int8_tops = models.DecimalField(_("INT8 (TOPS)"), max_digits=9, decimal_places=2, null=True, blank=True)
    memory_gib = models.PositiveIntegerField(_("memory (GiB)"), null=True, blank=True)
    memory_kind = models.CharField(_("memory kind"), max_length=20, blank=True)
    max_power_w = models.PositiveIntegerField(_("power (W)"), null=True, blank=True)
    released = models.CharField(_("released"), max_length=20, blank=True)
    note = models.TextField(_("note"), blank=True)

    objects = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("accelerator")
        verbose_name_plural = _("accelerators")

    def __str__(self) -> str:
        return f"{self.vendor} {self.name}"


class Hub(Entity):
    """A national computing hub and one of its data centre clusters."""

    name = models.CharField(_("hub"), max_length=40)
    side = models.CharField(_("side"), max_length=8, choices=[("east", _("East")), ("west", _("West"))])
    cluster = models.CharField(_("cluster"), max_length=60)

    class Meta:
        verbose_name = _("hub")
        verbose_name_plural = _("hubs")
        constraints = [UniqueConstraint(fields=["name", "cluster"], name="hub_cluster_once")]

    def __str__(self) -> str:
        return f"{self.name} · {self.cluster}"


class SiteStatus(models.TextChoices):
    """How far a site has come."""

    BUILDING = "building", _("Under construction")
    PARTLY = "partly", _("Partly built")
    OPERATING = "operating", _("Operating")


class Site(Entity):
    """A computing centre of one provider."""

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="sites")
    hub_name = models.CharField(_("hub"), max_length=40, blank=True)
    name = models.CharField(_("name"), max_length=120)
    province = models.CharField(_("province"), max_length=40)
    city = models.CharField(_("city"), max_length=40)
    capacity_pflops = models.DecimalField(
        _("published capacity (PFLOPS)"), max_digits=9, decimal_places=2, null=True, blank=True
    )
    status = models.CharField(_("status"), max_length=16, choices=SiteStatus)

    objects = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        constraints = [
            UniqueConstraint(fields=["provider", "name"], name="site_name_once"),
            models.CheckConstraint(condition=Q(status__in=SiteStatus.values), name="site_status_known"),
        ]

    def __str__(self) -> str:
        return self.name
