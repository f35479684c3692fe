"""What was promised and delivered: offering → order → match → reservation → usage."""

from market.models.catalogue import Accelerator, Hub, Site, SiteStatus
from market.models.match import Match, MatchBatch
from market.models.offering import CalendarHour, Category, Offering, OfferingStatus
from market.models.order import Order, OrderStatus, UnmatchedReason
from market.models.price import AgreedPrice, PricePlan, Tariff
from market.models.reservation import Reservation, ReservationStatus
from market.models.usage import MeteredHour, Usage, UsageBatch, UsageConflict

__all__ = [
    "Accelerator",
    "AgreedPrice",
    "CalendarHour",
    "Category",
    "Hub",
    "Match",
    "MatchBatch",
    "MeteredHour",
    "Offering",
    "OfferingStatus",
    "Order",
    "OrderStatus",
    "PricePlan",
    "Reservation",
    "ReservationStatus",
    "Site",
    "SiteStatus",
    "Tariff",
    "UnmatchedReason",
    "Usage",
    "UsageBatch",
    "UsageConflict",
]
