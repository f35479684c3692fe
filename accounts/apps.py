"""Tell Django about the app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Who asks, who may, what was done."""

    name = "accounts"
    verbose_name = _("Accounts")
