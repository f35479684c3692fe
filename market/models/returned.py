"""Cards that a buyer gave back while the reservation of the others goes on."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import Row
from market.models.reservation import Reservation


class ReturnedCards(Row):
    """So many cards less from a full hour on. Never changed, never deleted.

    A trigger keeps the sum at the reservation.
    """

    id = models.BigAutoField(primary_key=True)
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="returned")
    hour = models.DateTimeField(_("from"))
    cards = models.PositiveIntegerField(_("cards given back"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("cards given back")
        verbose_name_plural = _("cards given back")
        constraints = [models.CheckConstraint(condition=Q(cards__gt=0), name="returned_cards_positive")]
