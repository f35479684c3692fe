"""The registry of providers: whose services a programme pays for, item by item, batch by batch, and until when."""

from datetime import date
from typing import Any, ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, OrganizationKind, User
from core.models import Entity, EntityQuerySet, Stateful
from vouchers.models.programme import Programme


class ListingStatus(models.TextChoices):
    """A provider applies, is reviewed, listed or turned down, perhaps suspended, and in the end delisted or expired."""

    APPLIED = "applied", _("Applied")
    REVIEW = "review", _("In review")
    LISTED = "listed", _("Listed")
    SUSPENDED = "suspended", _("Suspended")
    REJECTED = "rejected", _("Turned down")
    DELISTED = "delisted", _("Delisted")
    EXPIRED = "expired", _("Expired")


STANDING = (ListingStatus.LISTED, ListingStatus.SUSPENDED)


class Days(Func):
    """The half-open range between two days, for the constraint that listings do not overlap."""

    function = "DATERANGE"
    output_field = DateRangeField()


class ProviderListingQuerySet(EntityQuerySet["ProviderListing"]):
    """Listings by whether they count."""

    def on(self, day: date) -> Self:
        """Keep those that are valid on a day."""
        return self.filter(valid_from__lte=day, valid_until__gt=day)

    def listed(self, day: date) -> Self:
        return self.on(day).filter(status=ListingStatus.LISTED)

    def registered(self) -> Self:
        """Keep those that were ever listed, whatever became of them."""
        never = [ListingStatus.APPLIED, ListingStatus.REVIEW, ListingStatus.REJECTED]
        return self.exclude(status__in=never)

    def suspended(self) -> Self:
        return self.filter(status=ListingStatus.SUSPENDED)

    def covering(self, category: str) -> Self:
        """Keep those whose item pays for a category; an item without a name pays for all."""
        return self.filter(Q(item="") | Q(categories__contains=[category]))

    def overdue(self, day: date) -> Self:
        """Keep those whose days are over. A suspension does not end by itself: somebody lifts it, or delists."""
        return self.filter(status=ListingStatus.LISTED, valid_until__lte=day)

    def beginning(self, day: date) -> Self:
        """Keep those that count on a day while their provider is not on the programme's list, and nothing stops it."""
        on_list = Programme.providers.through.objects.filter(
            programme=OuterRef("programme"), organization=OuterRef("provider")
        )
        same = ProviderListing.objects.filter(programme=OuterRef("programme"), provider=OuterRef("provider"))
        return self.listed(day).filter(~Exists(on_list), ~Exists(same.suspended()))

    def waiting(self) -> Self:
        return self.filter(status__in=[ListingStatus.APPLIED, ListingStatus.REVIEW])

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(programme__authority=authority)

    def kept_by(self, organization: Organization) -> Self:
        """Keep those that an organisation may list: an authority its own, the operator all."""
        mine = self.filter(programme__authority=organization)
        return self.all() if organization.kind == OrganizationKind.OPERATOR else mine

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(provider=organization) | Q(programme__authority=organization))


class ProviderListing(Entity, Stateful):
    """A provider in the registry of a programme, for one service item, in one batch, for some days.

    While it is suspended nothing new is held for the provider, and what is owed to it is withheld.
    """

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        ListingStatus.APPLIED: {ListingStatus.REVIEW, ListingStatus.REJECTED},
        ListingStatus.REVIEW: {ListingStatus.LISTED, ListingStatus.REJECTED},
        ListingStatus.LISTED: {ListingStatus.SUSPENDED, ListingStatus.DELISTED, ListingStatus.EXPIRED},
        ListingStatus.SUSPENDED: {ListingStatus.LISTED, ListingStatus.DELISTED, ListingStatus.EXPIRED},
        ListingStatus.REJECTED: set(),
        ListingStatus.DELISTED: set(),
        ListingStatus.EXPIRED: set(),
    }

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="listings")
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="listings")
    item = models.CharField(_("service item"), max_length=200, blank=True)
    categories = models.JSONField(_("categories"), default=list, editable=False)
    batch = models.CharField(_("batch"), max_length=80, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"))
    applied_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("applied by"))
    applied_at = models.DateTimeField(_("applied at"))
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    objects = ProviderListingQuerySet.as_manager()

    class Meta:
        verbose_name = _("listing of a provider")
        verbose_name_plural = _("listings of providers")
        indexes = [
            models.Index(fields=["programme", "provider", "status"], name="provider_listing_lookup"),
            models.Index(fields=["valid_until"], condition=Q(status__in=STANDING), name="provider_listing_to_expire"),
        ]
        constraints = [
            ExclusionConstraint(
                name="provider_listed_once_at_a_time",
                expressions=[
                    ("programme", RangeOperators.EQUAL),
                    ("provider", RangeOperators.EQUAL),
                    ("item", RangeOperators.EQUAL),
                    (Days("valid_from", "valid_until", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=~Q(status__in=[ListingStatus.REJECTED, ListingStatus.DELISTED, ListingStatus.EXPIRED]),
            ),
            models.CheckConstraint(condition=Q(valid_from__lt=F("valid_until")), name="provider_listing_days_in_order"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("applied_by")),
                name="provider_listing_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[ListingStatus.APPLIED, ListingStatus.REVIEW])
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="provider_listing_decided_by_someone",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[ListingStatus.REJECTED, ListingStatus.SUSPENDED]) | ~Q(reason=""),
                name="provider_listing_refused_with_a_reason",
            ),
            models.CheckConstraint(condition=Q(status__in=ListingStatus.values), name="provider_listing_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} · {self.item or self.programme}"
