"""What the rules look at. Whoever sells, bills or reads registers brings it; vouchers know only their part. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsidised:
    """What a voucher paid of one order: who bought from whom, at which price, and what the market asked."""

    redemption_id: UUID
    grant_id: UUID
    programme_id: UUID
    buyer_id: UUID
    provider_id: UUID
    on: date
    voucher_fen: int
    price_micro: int | None = None
    list_micro: int | None = None
    median_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One organisation bought compute from another, with a voucher or without."""

    seller_id: UUID
    buyer_id: UUID
    on: date
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A grant, how long its owner has existed, who is behind the owner, and the most that the programme grants."""

    grant_id: UUID
    programme_id: UUID
    owner_id: UUID
    face_fen: int
    on: date
    founded_on: date
    controllers: frozenset[str] = frozenset()
    most_fen: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A capture of a grant, by when the compute was used."""

    grant_id: UUID
    used_at: datetime
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """A provider changed the list price of a product."""

    provider_id: UUID
    product: str
    on: date
    before_micro: int
    after_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What was metered and billed for one redemption, in accelerator-milliseconds, and how busy the cards were.

    ``busy_bp`` is nothing where no utilisation is reported.
    """

    redemption_id: UUID
    grant_id: UUID
    programme_id: UUID
    buyer_id: UUID
    provider_id: UUID
    reserved_ms: int
    metered_ms: int
    billed_ms: int
    busy_bp: int | None = None
    voucher_fen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job that ran under a voucher, by the digest of what it did."""

    redemption_id: UUID
    grant_id: UUID
    buyer_id: UUID
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A contract or an invoice that proves a claim, by its number as compared; ``place`` says where it is used."""

    kind: str
    number: str
    place: str
    programme_id: UUID | None = None
    entity_id: UUID | None = None
    amount_fen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One side of a trade claims what was paid for it."""

    trade: str
    side: str
    claimant_id: UUID
    programme_id: UUID
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payback:
    """Money that came to a buyer from an account, and whose account that is."""

    buyer_id: UUID
    payer_id: UUID
    on: date
    amount_fen: int
    reference: str
