"""Tell Django about the app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VouchersConfig(AppConfig):
    """Public money."""

    name = "vouchers"
    verbose_name = _("Vouchers")
