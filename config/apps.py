"""Tell Django about the wiring, for its commands."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WiringConfig(AppConfig):
    """Commands that start the whole."""

    name = "config"
    verbose_name = _("Wiring")
