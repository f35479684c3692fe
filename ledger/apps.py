"""Tell Django about the app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    """Value in double entry."""

    name = "ledger"
    verbose_name = _("Ledger")
