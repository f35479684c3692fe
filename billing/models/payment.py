"""Money into a wallet: through Stripe, or by a bank transfer that a second person confirms."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Row, Stateful


class TopUpMethod(models.TextChoices):
    """How the money comes."""

    ALIPAY = "alipay", _("Alipay")
    WECHAT_PAY = "wechat_pay", _("WeChat Pay")
    BANK_TRANSFER = "bank_transfer", _("Bank transfer")


class TopUpStatus(models.TextChoices):
    """A top-up is asked for, waits for the outside world, then succeeds or fails once.

    A bank transfer waits from the moment at which a person has seen it on the bank's statement.
    """

    CREATED = "created", _("Created")
    PENDING = "pending", _("Waiting for payment")
    SUCCEEDED = "succeeded", _("Received")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class TopUpQuerySet(EntityQuerySet["TopUp"]):
    """Top-ups by state and owner."""

    def unfinished(self) -> Self:
        return self.filter(status__in=[TopUpStatus.CREATED, TopUpStatus.PENDING])

    def through_stripe(self) -> Self:
        return self.exclude(method=TopUpMethod.BANK_TRANSFER)

    def of_organization(self, organization: Organization) -> Self:
        return self.filter(organization=organization)


class TopUp(Entity, Stateful):
    """An amount on its way into an organisation's wallet."""

    MOVES = {
        TopUpStatus.CREATED: {
            TopUpStatus.PENDING,
            TopUpStatus.SUCCEEDED,
            TopUpStatus.FAILED,
            TopUpStatus.CANCELLED,
        },
        TopUpStatus.PENDING: {
            TopUpStatus.SUCCEEDED,
            TopUpStatus.FAILED,
            TopUpStatus.CANCELLED,
        },
        TopUpStatus.SUCCEEDED: set(),
        TopUpStatus.FAILED: set(),
        TopUpStatus.CANCELLED: set(),
    }

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="top_ups")
    method = models.CharField(_("method"), max_length=16, choices=TopUpMethod)
    amount_fen = FenField(_("amount (fen)"))
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    stripe_intent = models.CharField(_("Stripe payment intent"), max_length=80, null=True, unique=True)  # noqa: DJ001 - NULL keeps the unique index free of rows without an intent
    bank_reference = models.CharField(_("transfer reference"), max_length=20, null=True, unique=True)  # noqa: DJ001 - as above
    registered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(_("last asked about at"))
    finished_at = models.DateTimeField(_("finished at"), null=True)

    objects = TopUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("top-up")
        verbose_name_plural = _("top-ups")
        indexes = [
            models.Index(
                fields=["asked_at"],
                condition=Q(status__in=[TopUpStatus.CREATED, TopUpStatus.PENDING]),
                name="top_up_unfinished",
            )
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="top_up_amount_positive"),
            models.CheckConstraint(condition=Q(method__in=TopUpMethod.values), name="top_up_method_known"),
            models.CheckConstraint(condition=Q(status__in=TopUpStatus.values), name="top_up_status_known"),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("registered_by")),
                name="top_up_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[TopUpStatus.CREATED, TopUpStatus.PENDING], finished_at=None)
                | ~Q(status__in=[TopUpStatus.CREATED, TopUpStatus.PENDING]) & Q(finished_at__isnull=False),
                name="top_up_finished_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(method=TopUpMethod.BANK_TRANSFER, status=TopUpStatus.SUCCEEDED)
                | Q(registered_by__isnull=False, confirmed_by__isnull=False),
                name="top_up_transfer_has_two_people",
            ),
        ]


class StripeEvent(Row):
    """A webhook event as it came in, kept before it is worked on; the same id is kept once."""

    id = models.CharField(primary_key=True, max_length=80)
    kind = models.CharField(_("kind"), max_length=80)
    payload = models.JSONField(_("payload"))
    received_at = models.DateTimeField(_("received at"))
    processed_at = models.DateTimeField(_("processed at"), null=True)

    class Meta:
        verbose_name = _("Stripe event")
        verbose_name_plural = _("Stripe events")
        indexes = [
            models.Index(
                fields=["received_at"],
                condition=Q(processed_at=None),
                name="stripe_event_to_process",
            )
        ]
