"""Tell Django about the app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    """Pages of buyers, sellers and administrators."""

    name = "portal"
    verbose_name = _("Portal")
