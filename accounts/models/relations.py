"""Organisations that are not strangers to each other."""

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organization
from core.models import Entity


class Ground(models.TextChoices):
    """What makes two organisations related parties."""

    LEGAL_REPRESENTATIVE = "representative", _("Same legal representative")
    CONTROLLER = "controller", _("Same controller")
    SHAREHOLDING = "shareholding", _("One holds shares of the other")
    OTHER = "other", _("Another relation")


class Relation(Entity):
    """Two organisations are related parties, on a ground that somebody has found. Never changed, never deleted.

    The smaller key comes first, so that a pair has one row a ground.
    """

    first = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", verbose_name=_("organisation"))
    second = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", verbose_name=_("related organisation")
    )
    ground = models.CharField(_("ground"), max_length=16, choices=Ground)
    source = models.CharField(_("source"), max_length=200)
    declared_at = models.DateTimeField(_("declared at"))

    class Meta:
        verbose_name = _("related parties")
        verbose_name_plural = _("related parties")
        constraints = [
            UniqueConstraint(fields=["first", "second", "ground"], name="relation_once_per_ground"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="relation_first_key_is_smaller"),
            models.CheckConstraint(condition=Q(ground__in=Ground.values), name="relation_ground_known"),
        ]

    def __str__(self) -> str:
        return f"{self.first} – {self.second}"
