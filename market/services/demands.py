"""What a buyer wants, before it is an order."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Organization
from market.models import Accelerator, OrderKind, Reservation, TimeInForce
from market.services.conditions import NO_CONDITIONS, Conditions
from market.services.splits import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a buyer wants: ``count`` cards for ``hours`` hours of acceptable models at a limit in micro-yuan.

    Instead of a count it may name ``tflops`` at a ``precision``, of any model unless some are named; the limit is then
    for all cards in an hour.
    """

    category: str
    hours: int
    start_min: datetime
    start_max: datetime
    limit_micro: int
    accelerators: tuple[Accelerator, ...] = ()
    count: int = 0
    tflops: int | None = None
    precision: str = ""
    providers: tuple[Organization, ...] = ()
    refused: tuple[Organization, ...] = ()
    conditions: Conditions = NO_CONDITIONS
    name: str = ""
    kind: str = OrderKind.INSTANT
    time_in_force: str = TimeInForce.WINDOW
    good_till: datetime | None = None
    by_voucher: bool = False
    split: Split | None = None
    beside: Reservation | None = None
