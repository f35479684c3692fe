"""Tell Django about the app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    """What it costs and who pays."""

    name = "billing"
    verbose_name = _("Billing")
