"""A price with the cards for it, kept for a buyer until it expires."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.fields import MicroField
from core.models import Entity, Stateful
from market.models.moves import StatefulQuerySet
from market.models.offering import Offering


class QuoteStatus(models.TextChoices):
    """Cards are held until the buyer accepts, gives them back, or lets the time pass."""

    OPEN = "open", _("Held for you")
    ACCEPTED = "accepted", _("Accepted")
    WITHDRAWN = "withdrawn", _("Given back")
    EXPIRED = "expired", _("Expired")


class QuoteQuerySet(StatefulQuerySet["Quote"]):
    """Quotes by state and by whose they are."""

    def open(self) -> Self:
        return self.filter(status=QuoteStatus.OPEN)

    def overdue(self, at: datetime) -> Self:
        return self.open().filter(expires_at__lte=at)

    def of_buyer(self, buyer: Organization) -> Self:
        return self.filter(buyer=buyer)


class Quote(Entity, Stateful):
    """Cards of an offering over [starts_at, ends_at) at a price for each hour, held for a buyer until ``expires_at``.

    The match that comes of it names it, so it is accepted at most once.
    """

    MOVES = {
        QuoteStatus.OPEN: {QuoteStatus.ACCEPTED, QuoteStatus.WITHDRAWN, QuoteStatus.EXPIRED},
        QuoteStatus.ACCEPTED: set(),
        QuoteStatus.WITHDRAWN: set(),
        QuoteStatus.EXPIRED: set(),
    }

    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="quotes")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="quotes")
    name = models.CharField(_("name"), max_length=120, blank=True)
    count = models.PositiveIntegerField(_("cards"))
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    hourly_micro = ArrayField(models.BigIntegerField(), verbose_name=_("price in each hour (micro-yuan)"))
    price_micro = MicroField(_("price per card-hour (micro-yuan)"))
    input_sha256 = models.CharField(_("input digest"), max_length=64)
    quoted_at = models.DateTimeField(_("quoted at"))
    expires_at = models.DateTimeField(_("expires at"))

    objects = QuoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")
        indexes = [
            models.Index(fields=["buyer", "-quoted_at"], name="quote_by_buyer"),
            models.Index(fields=["expires_at"], condition=Q(status=QuoteStatus.OPEN), name="quote_to_expire"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(count__gt=0), name="quote_count_positive"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="quote_not_empty"),
            models.CheckConstraint(condition=Q(price_micro__gt=0), name="quote_price_positive"),
            models.CheckConstraint(condition=Q(hourly_micro__len__gt=0), name="quote_has_hourly_prices"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("quoted_at"), expires_at__lte=F("starts_at")),
                name="quote_expires_before_its_start",
            ),
            models.CheckConstraint(condition=Q(status__in=QuoteStatus.values), name="quote_status_known"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

    @property
    def hours(self) -> int:
        """Return for how many hours the cards are held."""
        return len(self.hourly_micro)

    def stands(self, at: datetime) -> bool:
        """Tell whether the quote can be accepted at an instant."""
        return self.status == QuoteStatus.OPEN and at < self.expires_at
