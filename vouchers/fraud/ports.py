"""What the sweep asks of whoever sells and bills. Vouchers know nothing of orders: the app that does answers. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from vouchers.fraud.facts import Job, Metered, Payback, PriceChange, Sale, Subsidised


class Market(Protocol):
    """Facts of orders, prices, meters and money since an instant."""

    def subsidised(self, *, programme_id: UUID, since: datetime) -> Iterable[Subsidised]:
        """Return what a programme's vouchers paid of orders."""
        ...

    def sales(self, *, since: datetime) -> Iterable[Sale]:
        """Return every trade of compute."""
        ...

    def price_changes(self, *, since: datetime) -> Iterable[PriceChange]:
        """Return how list prices changed."""
        ...

    def metered(self, *, programme_id: UUID, since: datetime) -> Iterable[Metered]:
        """Return what the meter and the bills say of what a programme's vouchers paid."""
        ...

    def jobs(self, *, programme_id: UUID, since: datetime) -> Iterable[Job]:
        """Return the jobs that ran under a programme's vouchers."""
        ...

    def paybacks(self, *, since: datetime) -> Iterable[Payback]:
        """Return money that came to buyers, and from whose account."""
        ...
