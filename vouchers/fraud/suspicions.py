"""What a rule says when it finds something. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Rule(StrEnum):
    """Every rule, by the name that its findings carry."""

    RELATED_PARTY = "RELATED_PARTY"
    RELATED_FLAG = "RELATED_FLAG"
    CIRCULAR_TRADE = "CIRCULAR_TRADE"
    SPLITTING = "SPLITTING"
    BOTH_SIDES = "BOTH_SIDES"
    DUPLICATE_CONTRACT = "DUPLICATE_CONTRACT"
    DUPLICATE_INVOICE = "DUPLICATE_INVOICE"
    PRICE_OUTLIER = "PRICE_OUTLIER"
    PRICE_RAISED = "PRICE_RAISED"
    IDLE_USAGE = "IDLE_USAGE"
    SAME_JOB = "SAME_JOB"
    LAST_HOURS = "LAST_HOURS"
    METER_MISMATCH = "METER_MISMATCH"
    KICKBACK = "KICKBACK"
    FRESH_ENTITY = "FRESH_ENTITY"
    TIP = "TIP"


class Weight(StrEnum):
    """How soon somebody should look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """Something that a person should look at: ``key`` is the same whenever the same thing is found again."""

    rule: Rule
    severity: Weight
    key: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    subject_id: UUID | None = None
    counterparty_id: UUID | None = None
    programme_id: UUID | None = None
    grant_id: UUID | None = None
    redemption_id: UUID | None = None
    amount_fen: int = 0
