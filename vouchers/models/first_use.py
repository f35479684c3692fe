"""When a grant was first used, where its days of validity count from then on."""

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from vouchers.models.grant import Grant


class FirstUse(models.Model):
    """A grant that would have ended at ``was_at`` ends at ``until_at``. Written by its first hold; never changed."""

    id = models.BigAutoField(primary_key=True)
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="first_uses", db_index=False)
    days = models.PositiveIntegerField(_("days of validity"))
    used_at = models.DateTimeField(_("first used at"))
    was_at = models.DateTimeField(_("would have ended at"))
    until_at = models.DateTimeField(_("ends at"))

    class Meta:
        verbose_name = _("first use of a grant")
        verbose_name_plural = _("first uses of grants")
        constraints = [
            UniqueConstraint(fields=["grant"], name="first_use_once"),
            models.CheckConstraint(
                condition=Q(until_at__gt=F("used_at"), until_at__lte=F("was_at")), name="first_use_within_latest_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grant} · {self.used_at}"
