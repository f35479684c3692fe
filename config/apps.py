"""Tell Django about the wiring, for its commands, and about the site of the administration."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class WiringConfig(AppConfig):
    """Commands that start the whole."""

    name = "config"
    verbose_name = _("Wiring")

    def ready(self) -> None:
        """Register the checks."""
        from config import checks  # noqa: F401, PLC0415 - importing registers them


class ConsoleConfig(admin_apps.AdminConfig):
    """The administration on our own site."""

    default_site = "config.console.Console"
    default = False  # the settings name this one; the wiring is what "config" means

    def ready(self) -> None:
        """Dress what other packages registered, once everyone has registered."""
        super().ready()
        from config import console, naming  # noqa: PLC0415 - they look at models, which are there only now

        console.tidy()
        naming.give()
