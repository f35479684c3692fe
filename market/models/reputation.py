"""How providers kept their word, day by day."""

from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.models import EntityQuerySet, Row
from core.money import BP_WHOLE
from market.models.offering import Offering

ENOUGH = 5
"""With fewer reservations there is too little to say."""
WINDOW_DAYS = 90


class ReputationQuerySet(EntityQuerySet["Reputation"]):
    """Reputations by whose they are."""

    def of_provider(self, provider: Organization) -> Self:
        return self.filter(provider=provider, offering=None)


class Reputation(Row):
    """What was promised and delivered over the days before ``as_of``, of a provider or of one of its offerings."""

    id = models.BigAutoField(primary_key=True)
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="reputations")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, null=True, related_name="reputations")
    as_of = models.DateField(_("as of"))
    observations = models.PositiveIntegerField(_("reservations"))
    promised_ms = models.PositiveBigIntegerField(_("promised (accelerator-milliseconds)"))
    delivered_ms = models.PositiveBigIntegerField(_("delivered (accelerator-milliseconds)"))
    starts = models.PositiveIntegerField(_("handovers measured"))
    start_delay_ms = models.PositiveBigIntegerField(_("total delay of the handovers (ms)"))
    interruptions = models.PositiveIntegerField(_("interruptions"))
    failures = models.PositiveIntegerField(_("failures"))
    disputes_upheld = models.PositiveIntegerField(_("disputes upheld"))

    objects = ReputationQuerySet.as_manager()

    class Meta:
        verbose_name = _("reputation")
        verbose_name_plural = _("reputations")
        constraints = [
            UniqueConstraint(
                fields=["provider", "offering", "as_of"], name="reputation_once_a_day", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(delivered_ms__lte=F("promised_ms")), name="reputation_delivers_what_was_promised"
            ),
        ]

    @property
    def is_enough(self) -> bool:
        """Whether there are enough reservations to say something."""
        return self.observations >= ENOUGH and self.promised_ms > 0

    @property
    def reliability_bp(self) -> int | None:
        """Return delivered ÷ promised in basis points, rounded down, or None if there is too little to say."""
        return self.delivered_ms * BP_WHOLE // self.promised_ms if self.is_enough else None

    @property
    def mean_start_delay_seconds(self) -> int | None:
        """Return how late cards were handed over on average."""
        return self.start_delay_ms // self.starts // 1000 if self.starts else None
