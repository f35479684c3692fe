"""What was promised and delivered: offering → order → match → reservation → usage."""

from market.models.catalogue import Accelerator, Hub, Site, SiteStatus
from market.models.conditions import OrderConditions, Ring
from market.models.figure import (
    SCENARIO_OF,
    Density,
    Figure,
    FigureKind,
    MeasureStatus,
    Metric,
    Scenario,
    StandardMeasure,
)
from market.models.history import Candle, IndexStatus, IndexValue
from market.models.lifecycle import (
    Downtime,
    DowntimeStatus,
    EventKind,
    ReservationAccess,
    ReservationEvent,
    Review,
)
from market.models.match import Match, MatchBatch, MatchInput
from market.models.offering import CalendarHour, Category, Handover, Offering, OfferingStatus
from market.models.order import PRECISIONS, Order, OrderKind, OrderStatus, UnmatchedReason
from market.models.price import AgreedPrice, PricePlan, Tariff
from market.models.reputation import Reputation
from market.models.reservation import Reservation, ReservationStatus
from market.models.rfq import Award, Bid, Rfq, RfqQuestion, RfqStatus, SealedBid
from market.models.stops import DowntimeCode, Fault, StopCode
from market.models.tape import ExclusionReason, Span, TapeChange, Trade, TradeExclusion
from market.models.usage import MeteredHour, Usage, UsageBatch, UsageConflict

__all__ = [
    "PRECISIONS",
    "SCENARIO_OF",
    "Accelerator",
    "AgreedPrice",
    "Award",
    "Bid",
    "CalendarHour",
    "Candle",
    "Category",
    "Density",
    "Downtime",
    "DowntimeCode",
    "DowntimeStatus",
    "EventKind",
    "ExclusionReason",
    "Fault",
    "Figure",
    "FigureKind",
    "Handover",
    "Hub",
    "IndexStatus",
    "IndexValue",
    "Match",
    "MatchBatch",
    "MatchInput",
    "MeasureStatus",
    "MeteredHour",
    "Metric",
    "Offering",
    "OfferingStatus",
    "Order",
    "OrderConditions",
    "OrderKind",
    "OrderStatus",
    "PricePlan",
    "Reputation",
    "Reservation",
    "ReservationAccess",
    "ReservationEvent",
    "ReservationStatus",
    "Review",
    "Rfq",
    "RfqQuestion",
    "RfqStatus",
    "Ring",
    "Scenario",
    "SealedBid",
    "Site",
    "SiteStatus",
    "Span",
    "StandardMeasure",
    "StopCode",
    "TapeChange",
    "Tariff",
    "Trade",
    "TradeExclusion",
    "UnmatchedReason",
    "Usage",
    "UsageBatch",
    "UsageConflict",
]
