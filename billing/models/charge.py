"""Usage × price, in fen, split by who pays."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, OrganizationKind
from billing.models.supplement import Supplement
from core.fields import FenField, MicroField
from core.models import EntityQuerySet, Row
from core.periods import month_of
from market.models import MeteredHour, Reservation


class ChargeKind(models.TextChoices):
    """Usage costs, a credit gives a part of that back, and hours given back too late cost a fee; so do lines beside."""

    USAGE = "usage", _("Usage")
    CREDIT = "credit", _("Service credit")
    FEE = "fee", _("Fee for hours given back")
    LINE = "line", _("Line beside the card-hour")


WITHOUT_HOUR = (ChargeKind.CREDIT, ChargeKind.FEE, ChargeKind.LINE)


class ChargeQuerySet(EntityQuerySet["Charge"]):
    """Charges by month, party and whether an invoice has them."""

    def in_month(self, on: date) -> Self:
        month = month_of(on)
        return self.filter(hour__gte=month.starts_at, hour__lt=month.ends_at)

    def usage(self) -> Self:
        return self.filter(kind=ChargeKind.USAGE)

    def credits(self) -> Self:
        return self.filter(kind=ChargeKind.CREDIT)

    def fees(self) -> Self:
        return self.filter(kind=ChargeKind.FEE)

    def lines(self) -> Self:
        return self.filter(kind=ChargeKind.LINE)

    def uninvoiced(self) -> Self:
        return self.filter(uninvoiced__isnull=False)

    def visible_to(self, organization: Organization) -> Self:
        side = "buyer" if organization.kind == OrganizationKind.BUYER else "provider"
        return self.filter(**{side: organization})


class Charge(Row):
    """What one version of a metered hour adds to the bill, or a service credit takes off. Never changed, never deleted.

    A later version of the same hour adds only the difference, so it may be negative. A credit, a fee and a line have no
    hour on the meter and no price; ``ServiceCredit``, ``NoticeFee`` and ``LineCharge`` say how they came about. What an
    extension set aside pays for its hours: then the charge names the ``supplement``, else the order's funding pays.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(
        _("kind"), max_length=16, choices=ChargeKind, default=ChargeKind.USAGE, db_default=ChargeKind.USAGE.value
    )
    metered_hour = models.ForeignKey(MeteredHour, on_delete=models.PROTECT, null=True, related_name="charges")
    version = models.PositiveIntegerField(_("version"))
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="charges")
    supplement = models.ForeignKey(
        Supplement, on_delete=models.PROTECT, null=True, related_name="charges", db_index=False
    )
    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="charges")
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    hour = models.DateTimeField(_("hour"))
    accelerator_ms = models.BigIntegerField(_("accelerator-milliseconds"))
    price_micro = MicroField(_("price per card-hour (micro-yuan)"))
    amount_fen = FenField(_("amount (fen)"))
    voucher_fen = FenField(_("voucher (fen)"))
    wallet_fen = FenField(_("wallet (fen)"))
    commission_fen = FenField(_("commission without VAT (fen)"))
    vat_fen = FenField(_("VAT of the commission (fen)"))
    provider_fen = FenField(_("provider (fen)"))
    charged_at = models.DateTimeField(_("charged at"))

    objects = ChargeQuerySet.as_manager()

    class Meta:
        verbose_name = _("charge")
        verbose_name_plural = _("charges")
        indexes = [
            models.Index(fields=["buyer", "hour"], name="charge_by_buyer"),
            models.Index(fields=["provider", "hour"], name="charge_by_provider"),
        ]
        constraints = [
            UniqueConstraint(fields=["metered_hour", "version"], name="charge_once_per_version"),
            UniqueConstraint(
                fields=["reservation", "version"], condition=Q(kind=ChargeKind.CREDIT), name="charge_credit_in_turn"
            ),
            UniqueConstraint(
                fields=["reservation", "version"], condition=Q(kind=ChargeKind.FEE), name="charge_fee_in_turn"
            ),
            UniqueConstraint(
                fields=["reservation", "version"], condition=Q(kind=ChargeKind.LINE), name="charge_line_in_turn"
            ),
            models.CheckConstraint(condition=~Q(kind=ChargeKind.LINE) | Q(voucher_fen=0), name="charge_line_is_cash"),
            models.CheckConstraint(
                condition=Q(kind=ChargeKind.USAGE, metered_hour__isnull=False)
                | Q(kind__in=WITHOUT_HOUR, metered_hour=None, accelerator_ms=0, price_micro=0),
                name="charge_usage_has_an_hour",
            ),
            models.CheckConstraint(
                condition=~Q(kind=ChargeKind.FEE) | Q(voucher_fen=0, amount_fen__gt=0), name="charge_fee_is_cash"
            ),
            models.CheckConstraint(
                condition=Q(amount_fen=F("voucher_fen") + F("wallet_fen")),
                name="charge_funding_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen=F("provider_fen") + F("commission_fen") + F("vat_fen")),
                name="charge_shares_add_up",
            ),
        ]


class MeterChange(Row):
    """A metered hour of a reservation has a new total that no charge has yet.

    A trigger on metered hours writes it and charging deletes it, so that the sweep finds its work without a look at
    every hour. It holds no lock and no unique value: the meter and the charges never wait for each other.
    """

    id = models.BigAutoField(primary_key=True)
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        verbose_name = _("meter change")
        verbose_name_plural = _("meter changes")


class ServiceCredit(Row):
    """Why a charge gives money back: the availability, the published table, and what was charged. Never changed."""

    charge = models.OneToOneField(Charge, on_delete=models.PROTECT, primary_key=True, related_name="credit")
    availability_ppm = models.PositiveIntegerField(_("availability (parts per million)"))
    lost_ms = models.PositiveBigIntegerField(_("time lost (ms)"))
    policy = models.CharField(_("version of the table"), max_length=16)
    credit_bp = models.PositiveIntegerField(_("credit (basis points)"))
    charged_fen = FenField(_("charged for usage (fen)"))
    total_fen = FenField(_("credited in all (fen)"))

    class Meta:
        verbose_name = _("service credit")
        verbose_name_plural = _("service credits")
        constraints = [
            models.CheckConstraint(condition=Q(credit_bp__lte=10_000), name="service_credit_at_most_all"),
            models.CheckConstraint(
                condition=Q(total_fen__gte=0, total_fen__lte=F("charged_fen")),
                name="service_credit_within_what_was_charged",
            ),
        ]


class NoticeFee(Row):
    """Why a charge is a fee: the hours that were given back, their value, and the published table. Never changed."""

    charge = models.OneToOneField(Charge, on_delete=models.PROTECT, primary_key=True, related_name="fee")
    starts_at = models.DateTimeField(_("given back from"))
    ends_at = models.DateTimeField(_("until"))
    value_fen = FenField(_("value of the hours (fen)"))
    policy = models.CharField(_("version of the table"), max_length=16)
    notice_hours = models.PositiveIntegerField(_("notice of the listing (hours)"))
    fee_fen = FenField(_("fee (fen)"))

    class Meta:
        verbose_name = _("fee for hours given back")
        verbose_name_plural = _("fees for hours given back")
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="notice_fee_for_some_hours"),
            models.CheckConstraint(
                condition=Q(fee_fen__gt=0, fee_fen__lte=F("value_fen")), name="notice_fee_within_the_value"
            ),
        ]
