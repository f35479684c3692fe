"""Prices that providers file with the authority: proposed by one person, approved or turned down by another."""

from datetime import date
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.models import EntityQuerySet, Stateful
from vouchers.models.provider_listing import ProviderListing


class FilingStatus(models.TextChoices):
    """A price is proposed by one person, and approved or turned down by another."""

    PROPOSED = "proposed", _("Waiting for approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")


class PriceFilingQuerySet(EntityQuerySet["PriceFiling"]):
    """Filed prices by whether they count."""

    def approved(self) -> Self:
        return self.filter(status=FilingStatus.APPROVED)

    def begun(self, day: date) -> Self:
        """Keep those that were approved and have begun by a day; of each listing the one in force comes first."""
        return self.approved().filter(first_on__lte=day).order_by("listing", "-first_on", "-pk")


class PriceFiling(Stateful):
    """The list price of a card-hour that a provider files for a service item, from a day on. Never deleted.

    It is in force until the next one of its listing begins.
    """

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        FilingStatus.PROPOSED: {FilingStatus.APPROVED, FilingStatus.REJECTED},
        FilingStatus.APPROVED: set(),
        FilingStatus.REJECTED: set(),
    }

    id = models.BigAutoField(primary_key=True)
    listing = models.ForeignKey(ProviderListing, on_delete=models.PROTECT, related_name="filings")
    price_micro = models.PositiveBigIntegerField(_("price of a card-hour (micro-yuan)"))
    first_on = models.DateField(_("in force from"))
    filed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("entered by"))
    filed_at = models.DateTimeField(_("entered at"))
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)

    objects = PriceFilingQuerySet.as_manager()

    class Meta:
        verbose_name = _("filed price")
        verbose_name_plural = _("filed prices")
        constraints = [
            UniqueConstraint(
                fields=["listing"], condition=Q(status=FilingStatus.PROPOSED), name="price_filing_once_at_a_time"
            ),
            UniqueConstraint(
                fields=["listing", "first_on"],
                condition=Q(status=FilingStatus.APPROVED),
                name="price_filing_once_a_day",
            ),
            models.CheckConstraint(condition=Q(price_micro__gt=0), name="price_filing_above_nothing"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("filed_by")), name="price_filing_maker_is_not_checker"
            ),
            models.CheckConstraint(
                condition=Q(status=FilingStatus.PROPOSED, decided_by=None, decided_at=None)
                | Q(
                    status__in=[FilingStatus.APPROVED, FilingStatus.REJECTED],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                name="price_filing_decided_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listing} · {self.first_on}"
