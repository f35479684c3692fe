"""How applications are taken, reviewed and ranked."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from vouchers.parameters.units import Count, Days, Group, Line, PositiveCount, PositiveFen, Window


class Method(StrEnum):
    """Who gets a grant: whoever comes first, all of a window, the best, the lucky, or a list without applications."""

    FCFS = "FCFS"
    WINDOW_BATCH = "WINDOW_BATCH"
    RANK = "RANK"
    LOTTERY = "LOTTERY"
    EXEMPT = "EXEMPT"


class TieBreak(StrEnum):
    """Who comes first of two with the same score."""

    SUBMITTED_FIRST = "SUBMITTED_FIRST"
    SMALLER_FIRST = "SMALLER_FIRST"
    YOUNGER_FIRST = "YOUNGER_FIRST"


class Criterion(Group, frozen=True, kw_only=True):
    """A line of the score sheet and its most points."""

    code: Line
    name: Line
    points: PositiveCount


class Quota(Group, frozen=True, kw_only=True):
    """What one district may get at most."""

    district: Line
    amount_fen: PositiveFen


class Allocation(Group, frozen=True, kw_only=True):
    """The way from an application to a grant. Without a window applications come as long as the programme is open."""

    method: Method = Method.FCFS
    window: Window | None = None
    supplement_days: Days = 10
    reviewers_required: Annotated[int, Meta(ge=1, le=3)] = 1
    district_first_review: bool = False
    expert_panel: bool = False
    panel_size: Count = 3
    score_sheet: tuple[Criterion, ...] = ()
    pass_mark: Count = 0
    tie_break: TieBreak = TieBreak.SUBMITTED_FIRST
    publicity_days: Days = 0
    appeal_days: Days = 15
    lottery_seed_commitment: Line = ""
    exempt_entities: tuple[Line, ...] = ()
    district_quotas: tuple[Quota, ...] = ()
    decide_within_days: Days = 20
    reveal_on: date | None = None
