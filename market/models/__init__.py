"""What was promised and delivered: offering → order → match → reservation → usage."""

from market.models.catalogue import Accelerator, Hub, Site, SiteStatus
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
from market.models.listing import (
    CalendarEdit,
    ExtraLine,
    LineKind,
    OfferingImport,
    ServiceTerms,
    TermsConsent,
)
from market.models.match import Match, MatchBatch, MatchInput
from market.models.measurement import Measurement, MeasurementStatus
from market.models.offering import CalendarHour, Category, Offering, OfferingStatus
from market.models.order import Order, OrderKind, OrderStatus, UnmatchedReason
from market.models.place import CertificateKind, LatencyProbe, SiteCertificate
from market.models.price import AgreedPrice, PricePlan, Tariff
from market.models.reservation import Reservation, ReservationStatus
from market.models.usage import MeteredHour, Usage, UsageBatch, UsageConflict

__all__ = [
    "SCENARIO_OF",
    "Accelerator",
    "AgreedPrice",
    "CalendarEdit",
    "CalendarHour",
    "Category",
    "CertificateKind",
    "Density",
    "ExtraLine",
    "Figure",
    "FigureKind",
    "Hub",
    "LatencyProbe",
    "LineKind",
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
    "OrderKind",
    "OrderStatus",
    "PricePlan",
    "Reservation",
    "ReservationStatus",
    "Scenario",
    "ServiceTerms",
    "Site",
    "SiteCertificate",
    "SiteStatus",
    "StandardMeasure",
    "Tariff",
    "TermsConsent",
    "UnmatchedReason",
    "Usage",
    "UsageBatch",
    "UsageConflict",
]
