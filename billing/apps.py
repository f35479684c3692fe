"""Tell Django about the app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    """What it costs and who pays."""

    name = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        """Answer for what vouchers have paid."""
        from billing.services.claims import Deliveries  # noqa: PLC0415 - models are there only now
        from vouchers import ports  # noqa: PLC0415

        ports.register(Deliveries())
