"""What company registers and filings say of organisations, with its dates; who is related follows from it.

``Relation`` holds what a person found and no register says. Triggers keep ``Tie``: one row for each chain of facts that
leads from one organisation of the platform to another, so that to ask whether two are related is one look-up.
"""

from datetime import date
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organization, User
from core.models import Entity, Row


class Shareholding(Entity):
    """One holds shares of another, or a branch wholly. Codes name them, so that a chain may lead through strangers.

    Only its end is ever written into it, once.
    """

    holder_code = models.CharField(_("code of the holder"), max_length=40)
    holder_name = models.CharField(_("holder"), max_length=200)
    held_code = models.CharField(_("code of the held company"), max_length=40)
    held_name = models.CharField(_("held company"), max_length=200)
    share_bp = models.PositiveIntegerField(_("share (basis points)"))
    is_branch = models.BooleanField(_("is a branch"), default=False)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid until"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=200)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        verbose_name = _("shareholding")
        verbose_name_plural = _("shareholdings")
        indexes = [
            models.Index(fields=["holder_code"], name="shareholding_by_holder"),
            models.Index(fields=["held_code"], name="shareholding_by_held"),
        ]
        constraints = [
            UniqueConstraint(
                fields=["holder_code", "held_code"], condition=Q(valid_to=None), name="shareholding_open_once"
            ),
            models.CheckConstraint(condition=~Q(holder_code=F("held_code")), name="shareholding_of_another"),
            models.CheckConstraint(
                condition=Q(share_bp__gt=0, share_bp__lte=10_000) & (Q(is_branch=False) | Q(share_bp=10_000)),
                name="shareholding_share_in_range",
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="shareholding_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder_name} → {self.held_name}"


class TraitKind(models.TextChoices):
    """What two organisations should not have in common."""

    REPRESENTATIVE = "representative", _("Legal representative")
    CONTROLLER = "controller", _("Actual controller")
    MANAGER = "manager", _("Director, supervisor or senior manager")
    BANK_ACCOUNT = "bank_account", _("Bank account")
    PHONE = "phone", _("Phone")
    ADDRESS = "address", _("Address")
    DOMAIN = "domain", _("Domain")
    DEVICE = "device", _("Payment device")


PEOPLE = (TraitKind.REPRESENTATIVE, TraitKind.CONTROLLER, TraitKind.MANAGER)


class Trait(Entity):
    """A person, account, number, place or device of an organisation, as it was normalised for comparison.

    One that is known to be ``shared`` by strangers, an incubator's address or a mail provider's domain, relates nobody.
    Only its end is ever written into it, once.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="traits")
    kind = models.CharField(_("kind"), max_length=16, choices=TraitKind)
    value = models.CharField(_("value"), max_length=200)
    shared = models.BooleanField(_("shared by strangers"), default=False)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid until"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=200)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        verbose_name = _("trait")
        verbose_name_plural = _("traits")
        indexes = [models.Index(fields=["value"], name="trait_by_value")]
        constraints = [
            UniqueConstraint(
                fields=["organization", "kind", "value"], condition=Q(valid_to=None), name="trait_open_once"
            ),
            models.CheckConstraint(condition=~Q(value=""), name="trait_has_a_value"),
            models.CheckConstraint(condition=Q(kind__in=TraitKind.values), name="trait_kind_known"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="trait_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization} · {self.get_kind_display()}"


class TieQuerySet(models.QuerySet["Tie"]):
    """Ties by whom they join, and when."""

    def on(self, day: date) -> Self:
        begun = Q(valid_from=None) | Q(valid_from__lte=day)
        return self.filter(begun, Q(valid_to=None) | Q(valid_to__gt=day))

    def of(self, organization_id: object) -> Self:
        return self.filter(Q(first=organization_id) | Q(second=organization_id))


class Tie(Row):
    """One chain of facts that joins two organisations. Triggers keep it; nobody else writes it.

    The smaller key comes first. A share is what one holds of the other along this chain, multiplied and rounded down;
    ``downward`` says that the first holds the second.
    """

    id = models.BigAutoField(primary_key=True)
    first = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    second = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    ground = models.CharField(max_length=16)
    share_bp = models.PositiveIntegerField(null=True)
    downward = models.BooleanField(null=True)
    facts = ArrayField(models.UUIDField())
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True)

    objects = TieQuerySet.as_manager()

    class Meta:
        verbose_name = _("tie")
        verbose_name_plural = _("ties")
        constraints = [
            UniqueConstraint(fields=["first", "second", "facts"], name="tie_once_per_chain"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="tie_first_key_is_smaller"),
        ]
