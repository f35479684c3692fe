"""Our monthly statement of charges 账单, numbered without gaps; the tax document comes from the tax system."""

from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from billing.models.charge import Charge
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Row


class InvoiceSeries(Row):
    """The last number an issuer has used in a year: one row, locked while a number is taken."""

    id = models.BigAutoField(primary_key=True)
    issuer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField(_("year"))
    last_number = models.PositiveIntegerField(_("last number"), default=0)

    objects = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("invoice series")
        verbose_name_plural = _("invoice series")
        constraints = [UniqueConstraint(fields=["issuer", "year"], name="invoice_series_once")]


class InvoiceQuerySet(EntityQuerySet["Invoice"]):
    """Invoices by who may see them."""

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(buyer=organization) | Q(issuer=organization))


class Invoice(Entity):
    """What a provider charged a buyer up to the end of a month and had not charged before. Never changed."""

    issuer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="invoices_issued")
    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="invoices")
    year = models.PositiveSmallIntegerField(_("year"))
    number = models.PositiveIntegerField(_("number"))
    month_on = models.DateField(_("month"))
    amount_fen = FenField(_("amount (fen)"))
    voucher_fen = FenField(_("voucher (fen)"))
    wallet_fen = FenField(_("wallet (fen)"))
    issued_at = models.DateTimeField(_("issued at"))

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            UniqueConstraint(fields=["issuer", "year", "number"], name="invoice_number_once"),
            UniqueConstraint(fields=["issuer", "buyer", "month_on"], name="invoice_once_per_month"),
            models.CheckConstraint(condition=Q(number__gt=0), name="invoice_number_positive"),
            models.CheckConstraint(
                condition=Q(amount_fen=F("voucher_fen") + F("wallet_fen")),
                name="invoice_funding_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return self.display_number

    @property
    def display_number(self) -> str:
        """Return the number as people write it: issuer, year, gapless number."""
        return f"{self.issuer.credit_code[-6:]}-{self.year}-{self.number:06d}"


class InvoiceLine(Row):
    """One charge on one invoice. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    charge = models.OneToOneField(Charge, on_delete=models.PROTECT, related_name="invoice_line")

    class Meta:
        verbose_name = _("invoice line")
        verbose_name_plural = _("invoice lines")


class UninvoicedCharge(Row):
    """A charge that no invoice has: the sweep finds what is to be invoiced without a look at all that ever was.

    Triggers write it with its charge and take it away with the charge's line on an invoice, and nobody else can.
    """

    charge = models.OneToOneField(
        Charge, on_delete=models.PROTECT, primary_key=True, related_name="uninvoiced", db_constraint=False
    )
    provider = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    buyer = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    hour = models.DateTimeField(_("hour"))

    objects = EntityQuerySet["UninvoicedCharge"].as_manager()

    class Meta:
        verbose_name = _("charge without an invoice")
        verbose_name_plural = _("charges without an invoice")
        indexes = [models.Index(fields=["provider", "buyer", "hour"], name="uninvoiced_by_parties")]
