"""What was promised and delivered: offering → order → match → reservation → usage."""

from market.models.auction_rules import AuctionProposal, AuctionProposalStatus, AuctionRules
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
from market.models.listing import (
    CalendarEdit,
    ExtraLine,
    LineKind,
    LineUnit,
    OfferingImport,
    ServiceTerms,
    TermsConsent,
)
from market.models.match import Match, MatchBatch, MatchInput
from market.models.measurement import Measurement, MeasurementStatus
from market.models.offering import CalendarHour, Category, Handover, Offering, OfferingStatus
from market.models.order import PRECISIONS, Order, OrderKind, OrderStatus, UnmatchedReason
from market.models.order_terms import TimeInForce
from market.models.place import CertificateKind, LatencyProbe, SiteCertificate
from market.models.price import AgreedPrice, PricePlan, Tariff
from market.models.quote import Quote, QuoteStatus
from market.models.reputation import Reputation
from market.models.reservation import Reservation, ReservationStatus
from market.models.returned import ReturnedCards
from market.models.rfq import Award, Bid, Rfq, RfqQuestion, RfqStatus, SealedBid, Unreadability, UnreadableBid
from market.models.stops import DowntimeCode, Fault, StopCode
from market.models.tape import ExclusionReason, Span, TapeChange, Trade, TradeExclusion
from market.models.usage import MeteredHour, Usage, UsageBatch, UsageConflict

__all__ = [
    "PRECISIONS",
    "SCENARIO_OF",
    "Accelerator",
    "AgreedPrice",
    "AuctionProposal",
    "AuctionProposalStatus",
    "AuctionRules",
    "Award",
    "Bid",
    "CalendarEdit",
    "CalendarHour",
    "Candle",
    "Category",
    "CertificateKind",
    "Density",
    "Downtime",
    "DowntimeCode",
    "DowntimeStatus",
    "EventKind",
    "ExclusionReason",
    "ExtraLine",
    "Fault",
    "Figure",
    "FigureKind",
    "Handover",
    "Hub",
    "IndexStatus",
    "IndexValue",
    "LatencyProbe",
    "LineKind",
    "LineUnit",
    "Match",
    "MatchBatch",
    "MatchInput",
    "MeasureStatus",
    "Measurement",
    "MeasurementStatus",
    "MeteredHour",
    "Metric",
    "Offering",
    "OfferingImport",
    "OfferingStatus",
    "Order",
    "OrderConditions",
    "OrderKind",
    "OrderStatus",
    "PricePlan",
    "Quote",
    "QuoteStatus",
    "Reputation",
    "Reservation",
    "ReservationAccess",
    "ReservationEvent",
    "ReservationStatus",
    "ReturnedCards",
    "Review",
    "Rfq",
    "RfqQuestion",
    "RfqStatus",
    "Ring",
    "Scenario",
    "SealedBid",
    "ServiceTerms",
    "Site",
    "SiteCertificate",
    "SiteStatus",
    "Span",
    "StandardMeasure",
    "StopCode",
    "TapeChange",
    "Tariff",
    "TermsConsent",
    "TimeInForce",
    "Trade",
    "TradeExclusion",
    "UnmatchedReason",
    "Unreadability",
    "UnreadableBid",
    "Usage",
    "UsageBatch",
    "UsageConflict",
]
