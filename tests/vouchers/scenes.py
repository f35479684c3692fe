"""An authority with two officers, a published programme, a listed provider, and firms with approved grants."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from stdnum.cn import uscc

from accounts.models import Organization, OrganizationKind, User
from accounts.services.audit import Actor
from ledger.models import Account, Balance, Hold, Posting, Transfer
from vouchers.models import Capture, EntityYear, Grant, Programme, Redemption, Refund
from vouchers.services import grants, programmes, redemptions

AT = datetime(2025, 6, 30, 4, tzinfo=UTC)  # noon of 30 June in Shanghai
RULES: dict[str, Any] = {
    "name": "Qingyang",
    "budget_fen": 10_000_000_000,
    "ratio_bp": 3_000,
    "entity_year_cap_fen": 200_000_000,
    "validity_days": 365,
    "eligible_categories": ["GPU_TRAIN", "GPU_INFER"],
    "opens_on": date(2025, 1, 1),
    "closes_on": date(2026, 1, 1),
}
numbers = count(1)


def organization(kind: OrganizationKind) -> Organization:
    number = next(numbers)
    body = f"91440301{number:09d}"  # codes of its own, for tests that use the scenes of the market as well
    code = body + uscc.calc_check_digit(body)
    return Organization.objects.create(kind=kind, name=f"{kind.value} {number}", credit_code=code)


def authority() -> Organization:
    return organization(OrganizationKind.AUTHORITY)


def buyer() -> Organization:
    return organization(OrganizationKind.BUYER)


def provider() -> Organization:
    return organization(OrganizationKind.PROVIDER)


def officer(number: int) -> Actor:
    """Return officer 1, who proposes, or officer 2, who checks."""
    user, _new = User.objects.get_or_create(username=f"officer{number}")
    return Actor(user=user)


def draft(**rules: Any) -> Programme:
    named = RULES | {"code": f"P-{next(numbers)}"} | rules
    owner = named.pop("authority", None) or authority()
    return programmes.draft(authority=owner, actor=officer(1), at=AT, **named)


def published(*, providers: list[Organization] | None = None, **rules: Any) -> Programme:
    """Publish a programme that lists ``providers``, or everyone if there is no list."""
    programme = draft(**({"open_registry": providers is None} | rules))
    programmes.list_providers(programme=programme, providers=providers or [], actor=officer(1), at=AT)
    return programmes.publish(programme=programme, actor=officer(2), at=AT)


def grant(programme: Programme, owner: Organization | None = None, *, face_fen: int = 2_000_000) -> Grant:
    proposed = grants.propose(programme=programme, owner=owner or buyer(), face_fen=face_fen, actor=officer(1), at=AT)
    return grants.approve(grant=proposed, actor=officer(2), at=AT)


def wish(granted: Grant, amount_fen: int, **fields: Any) -> dict[str, Any]:
    named = {"category": "GPU_TRAIN", "providers": [], "at": AT, "owner": granted.owner}
    return {"grant": granted, "amount_fen": amount_fen} | named | fields


def hold(granted: Grant, amount_fen: int, reference: str = "", **fields: Any) -> Redemption:
    return redemptions.hold(reference=reference or f"order/{next(numbers)}", **wish(granted, amount_fen, **fields))


def capture(redemption: Redemption, amount_fen: int, reference: str = "", **fields: Any) -> Capture:
    named = {"used_at": AT} | fields
    at = named.pop("at", AT)
    item = redemptions.CaptureItem(redemption, reference or f"charge/of-scenes-{next(numbers)}", amount_fen, **named)
    (made,) = redemptions.capture_many(items=[item], at=at)
    return made


def everything() -> dict[str, list[Any]]:
    """Return every row of vouchers and ledger, to be compared with a later look."""
    facts = [Programme, Grant, Redemption, Capture, Refund, EntityYear, Account, Balance, Hold, Transfer, Posting]
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in facts}
