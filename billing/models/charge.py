"""Usage × price, in fen, split by who pays."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.fields import FenField, MicroField
from core.models import EntityQuerySet
from core.periods import month_of
from market.models import MeteredHour, Reservation


class ChargeQuerySet(EntityQuerySet["Charge"]):
    """Charges by month, party and whether an invoice has them."""

    def in_month(self, on: date) -> Self:
        month = month_of(on)
        return self.filter(hour__gte=month.starts_at, hour__lt=month.ends_at)

    def uninvoiced(self) -> Self:
        return self.filter(invoice_line=None)

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(buyer=organization) | Q(provider=organization))


class Charge(models.Model):
    """What one version of a metered hour adds to the bill. Never changed, never deleted.

    A later version of the same hour adds only the difference, so it may be negative.
    """

    id = models.BigAutoField(primary_key=True)
    metered_hour = models.ForeignKey(MeteredHour, on_delete=models.PROTECT, related_name="charges")
    version = models.PositiveIntegerField(_("version"))
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="charges")
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
            models.CheckConstraint(
                condition=Q(amount_fen=F("voucher_fen") + F("wallet_fen")),
                name="charge_funding_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen=F("provider_fen") + F("commission_fen") + F("vat_fen")),
                name="charge_shares_add_up",
            ),
        ]


class MeterChange(models.Model):
    """A metered hour of a reservation has a new total that no charge has yet.

    A trigger on metered hours writes it and charging deletes it, so that the sweep finds its work without a look at
    every hour. It holds no lock and no unique value: the meter and the charges never wait for each other.
    """

    id = models.BigAutoField(primary_key=True)
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        verbose_name = _("meter change")
        verbose_name_plural = _("meter changes")
