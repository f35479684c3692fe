"""Why a reservation is over, and whose doing that was."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Fault(StrEnum):
    """Who did not do what was promised."""

    PROVIDER = "provider"
    BUYER = "buyer"
    NOBODY = "nobody"


class StopCode(models.TextChoices):
    """Why a reservation is over."""

    COMPLETED = "completed", _("Its time was over")
    FINISHED = "finished", _("The work was done early")
    CANCELLED = "cancelled", _("Cancelled before the start")
    GAVE_UP = "gave-up", _("The buyer stopped waiting")
    RECLAIMED = "reclaimed", _("Taken back as agreed")
    FORCE_MAJEURE = "force-majeure", _("Force majeure")
    NOT_PROVISIONED = "not-provisioned", _("Not handed over in time")
    NO_CAPACITY = "no-capacity", _("The cards are not there")
    HARDWARE = "hardware-fault", _("Hardware fault")
    NETWORK = "network-fault", _("Network fault")
    SITE = "site-fault", _("Power or cooling of the site")
    NOT_USABLE = "not-usable", _("Handed over but not usable")
    BREACH = "buyer-breach", _("The buyer broke the terms")
    NO_CREDENTIALS = "buyer-no-credentials", _("The buyer gave no key or data")


FAULT_OF = {
    StopCode.COMPLETED: Fault.NOBODY,
    StopCode.FINISHED: Fault.NOBODY,
    StopCode.CANCELLED: Fault.NOBODY,
    StopCode.GAVE_UP: Fault.NOBODY,
    StopCode.RECLAIMED: Fault.NOBODY,
    StopCode.FORCE_MAJEURE: Fault.NOBODY,
    StopCode.NOT_PROVISIONED: Fault.PROVIDER,
    StopCode.NO_CAPACITY: Fault.PROVIDER,
    StopCode.HARDWARE: Fault.PROVIDER,
    StopCode.NETWORK: Fault.PROVIDER,
    StopCode.SITE: Fault.PROVIDER,
    StopCode.NOT_USABLE: Fault.PROVIDER,
    StopCode.BREACH: Fault.BUYER,
    StopCode.NO_CREDENTIALS: Fault.BUYER,
}
PROVIDER_DEFAULTS = tuple(code.value for code, fault in FAULT_OF.items() if fault is Fault.PROVIDER)
PROVIDER_STOPS = (
    StopCode.FINISHED,
    StopCode.NO_CAPACITY,
    StopCode.HARDWARE,
    StopCode.NETWORK,
    StopCode.SITE,
    StopCode.FORCE_MAJEURE,
    StopCode.BREACH,
    StopCode.NO_CREDENTIALS,
)
"""What a provider may give as its reason."""


class DowntimeCode(models.TextChoices):
    """Why cards could not be used for a time."""

    HARDWARE = "hardware", _("Hardware")
    NETWORK = "network", _("Network")
    POWER = "power", _("Power or cooling")
    STORAGE = "storage", _("Storage")
    MAINTENANCE = "maintenance", _("Maintenance")
    SOFTWARE = "software", _("Driver or software of the provider")
    NOT_USABLE = "not-usable", _("Never usable")
    CUT_SHORT = "cut-short", _("Ended early without a reason")
    OTHER = "other", _("Other")
