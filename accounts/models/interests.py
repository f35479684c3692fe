"""Conflicts of interest that people declare themselves."""

from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organization, User
from core.models import Entity


class Interest(Entity):
    """A person says that they cannot judge an organisation impartially. Never changed, never deleted."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="interests", verbose_name=_("person"))
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="interests", verbose_name=_("organisation")
    )
    note = models.CharField(_("nature of the interest"), max_length=300)
    declared_at = models.DateTimeField(_("declared at"))

    class Meta:
        verbose_name = _("declared interest")
        verbose_name_plural = _("declared interests")
        constraints = [
            UniqueConstraint(fields=["user", "organization"], name="interest_once"),
            models.CheckConstraint(condition=~Q(note=""), name="interest_explained"),
        ]

    def __str__(self) -> str:
        return f"{self.user} – {self.organization}"
