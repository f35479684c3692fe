"""What vouchers ask of whoever sells and bills: who delivered, what proves it, and to take note of what was paid.

Vouchers know nothing of orders and bills. The app that does registers itself here when it is ready.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from accounts.models import Organization
from vouchers.models import Programme, Redemption


class Share(NamedTuple):
    """What of a redemption one provider delivered, net of what came back, in fen."""

    provider: Organization
    amount_fen: int


class Deliveries(Protocol):
    """Whoever called ``hold`` and ``capture``, and knows what stands behind a reference."""

    def shares_of(self, redemptions: Sequence[Redemption]) -> Mapping[UUID, Sequence[Share]]:
        """Return who delivered what each redemption paid for, and how much of it is theirs; unknown ones are left out.

        The shares of a redemption add up to what it has paid and not taken back.
        """
        ...

    def live_fen(self, *, redemption: Redemption, provider: Organization) -> int | None:
        """Return what of a redemption one provider delivered and nobody took back, billed or not; None if unknown."""
        ...

    def evidence_of(self, redemptions: Sequence[Redemption]) -> Mapping[UUID, Mapping[str, Any]]:
        """Return what proves each redemption, in ``sections`` with ``kind``, ``texts`` to print and ``facts``."""
        ...

    def authority_paid(
        self, *, programme: Programme, provider: Organization, amount_fen: int, key: str, at: datetime
    ) -> None:
        """Take note that an authority has paid a provider what vouchers owed them."""
        ...

    def authority_denied(
        self, *, redemption: Redemption, provider: Organization, amount_fen: int, key: str, at: datetime
    ) -> None:
        """Take note that an authority will not pay a part of a redemption: its provider bears it."""
        ...


class Nobody:
    """Nothing is known of any delivery."""

    def shares_of(self, redemptions: Sequence[Redemption]) -> Mapping[UUID, Sequence[Share]]:  # noqa: ARG002
        return {}

    def live_fen(self, **_facts: Any) -> int | None:
        return None

    def evidence_of(self, redemptions: Sequence[Redemption]) -> Mapping[UUID, Mapping[str, Any]]:  # noqa: ARG002
        return {}

    def authority_paid(self, **_facts: Any) -> None:
        return None

    def authority_denied(self, **_facts: Any) -> None:
        return None


_registered: list[Deliveries] = [Nobody()]


def register(deliveries: Deliveries) -> None:
    """Ask this one from now on."""
    _registered[:] = [deliveries]


def deliveries() -> Deliveries:
    """Return who is asked."""
    return _registered[0]
