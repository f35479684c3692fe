"""What a provider says beside an offering: changes of its calendar, lines that are not compute, terms of service."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, Organization, User
from core.fields import MicroField
from core.models import Entity, EntityQuerySet, Row
from market import line_pricing
from market.models.offering import Offering


class CalendarEditQuerySet(EntityQuerySet["CalendarEdit"]):
    """Edits by when they count."""

    def not_over(self, at: datetime) -> Self:
        return self.filter(ends_at__gt=at).order_by("-pk")


class CalendarEdit(Row):
    """A change of the cards on sale over a period, with its reason. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="calendar_edits")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    capacity = models.PositiveIntegerField(_("cards that stay on sale"))
    reason = models.CharField(_("reason"), max_length=200)
    made_at = models.DateTimeField(_("made at"))

    objects = CalendarEditQuerySet.as_manager()

    class Meta:
        verbose_name = _("calendar edit")
        verbose_name_plural = _("calendar edits")
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="calendar_edit_not_empty"),
            models.CheckConstraint(condition=~Q(reason=""), name="calendar_edit_has_a_reason"),
        ]


class LineKind(models.TextChoices):
    """What a line is about: never compute, which is sold by the card-hour."""

    STORAGE = "storage", _("Storage")
    NETWORK = "network", _("Network")
    SUPPORT = "support", _("Support")


class LineUnit(models.TextChoices):
    """What a price of a line is for; a month is one of 720 hours, and owed by the hour."""

    GIB_MONTH = line_pricing.GIB_MONTH, _("GiB for a month")
    MONTH = line_pricing.MONTH, _("A month")
    GB = line_pricing.GB, _("GB, in all")


class ExtraLine(Row):
    """What a provider sells beside the card-hour: a buyer takes a quantity of it with a reservation, in cash.

    A line in a unit of its own, from before there were units, is shown only: its provider bills it itself.
    """

    id = models.BigAutoField(primary_key=True)
    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="extra_lines")
    kind = models.CharField(_("kind"), max_length=16, choices=LineKind)
    name = models.CharField(_("name"), max_length=80)
    unit = models.CharField(_("unit"), max_length=40)
    price_micro = MicroField(_("price per unit (micro-yuan)"))

    class Meta:
        verbose_name = _("line beside the card-hour")
        verbose_name_plural = _("lines beside the card-hour")
        constraints = [
            UniqueConstraint(fields=["offering", "name"], name="extra_line_once"),
            models.CheckConstraint(condition=Q(price_micro__gte=0), name="extra_line_price_not_negative"),
            models.CheckConstraint(condition=Q(kind__in=LineKind.values), name="extra_line_kind_known"),
        ]

    @property
    def is_sold(self) -> bool:
        """Whether it can be taken with a reservation."""
        return self.unit in LineUnit.values

    @property
    def unit_name(self) -> str:
        """Return the unit in words."""
        return str(LineUnit(self.unit).label) if self.is_sold else self.unit


class ServiceTerms(Row):
    """A version of an offering's terms of service; the latest counts. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="service_terms")
    version = models.PositiveIntegerField(_("version"))
    text = models.TextField(_("text"))
    sha256 = models.CharField(_("digest"), max_length=64)
    published_at = models.DateTimeField(_("published at"))

    class Meta:
        verbose_name = _("terms of service")
        verbose_name_plural = _("terms of service")
        constraints = [
            UniqueConstraint(fields=["offering", "version"], name="service_terms_version_once"),
            models.CheckConstraint(condition=~Q(text=""), name="service_terms_not_empty"),
        ]


class TermsConsent(Row):
    """That a buyer has agreed to a version of terms: to which text, who and when. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    terms = models.ForeignKey(ServiceTerms, on_delete=models.PROTECT, related_name="consents")
    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="terms_consents")
    sha256 = models.CharField(_("digest"), max_length=64)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by"))
    key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("consent to terms")
        verbose_name_plural = _("consents to terms")
        constraints = [
            UniqueConstraint(fields=["terms", "buyer"], name="terms_consent_once"),
            models.CheckConstraint(
                condition=Q(by__isnull=False) | Q(key__isnull=False), name="terms_consent_by_someone"
            ),
        ]


class OfferingImport(Entity):
    """A file of offerings that somebody uploaded: looked at first, brought in when it is confirmed."""

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="offering_imports")
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(_("uploaded at"))
    name = models.CharField(_("name"), max_length=120)
    content = models.BinaryField()
    applied_at = models.DateTimeField(_("brought in at"), null=True)

    objects = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("import of offerings")
        verbose_name_plural = _("imports of offerings")
