"""Tell Django about the app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MarketConfig(AppConfig):
    """What was promised and delivered."""

    name = "market"
    verbose_name = _("Market")
