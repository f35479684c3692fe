"""Where a rehearsal's money comes from: vouchers of three programmes, and wallets filled by bank transfer."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from accounts.models import Organization, User
from accounts.services.audit import Actor
from billing.models import TopUp, TopUpMethod
from billing.services import top_ups
from core.periods import date_of
from vouchers.models import Grant, Programme
from vouchers.services import grants, programmes, reference

CODES = ("CD-2025", "QY-2024", "WH-OPC-2026")
FACE_FEN = {"CD-2025": 200_000_00, "QY-2024": 80_000_00, "WH-OPC-2026": 150_000_00}
TRANSFER_FEN = 2_000_000_00


def grant_vouchers(
    *,
    authorities: Mapping[str, Organization],
    providers: dict[str, Organization],
    buyers: Sequence[Organization],
    at: datetime,
) -> None:
    """Publish the three instant-deduct programmes and grant one voucher to every buyer, each by two officers."""
    maker, checker = _pair("officer")
    for code in CODES:
        authority = authorities[code]
        of = programme(code, authority, list(providers.values()), at=at)
        mine = [buyer for number, buyer in enumerate(buyers) if CODES[number % len(CODES)] == code]
        granted = set(Grant.objects.filter(programme=of).values_list("owner_id", flat=True))
        for buyer in mine:
            if buyer.pk not in granted:
                grant = grants.propose(
                    programme=of, owner=buyer, face_fen=FACE_FEN[code], actor=_as(maker, authority), at=at
                )
                grants.approve(grant=grant, actor=_as(checker, authority), at=at)


def fill_wallets(*, buyers: Sequence[Organization], at: datetime) -> None:
    """Let every buyer transfer money that one operator registers and another confirms."""
    maker, checker = _pair("operator")
    filled = set(TopUp.objects.filter(method=TopUpMethod.BANK_TRANSFER).values_list("organization_id", flat=True))
    for buyer in buyers:
        if buyer.pk not in filled:
            top_up = top_ups.create(
                organization=buyer,
                method=TopUpMethod.BANK_TRANSFER,
                amount_fen=TRANSFER_FEN,
                actor=Actor(organization=buyer),
                at=at,
            )
            top_ups.register_transfer(top_up=top_up, by=maker, at=at)
            top_ups.confirm_transfer(top_up=top_up, by=checker, at=at)


def _pair(role: str) -> tuple[User, User]:
    return User.objects.get(username=f"{role}1"), User.objects.get(username=f"{role}2")


def _as(user: User, authority: Organization) -> Actor:
    return Actor(user=user, organization=authority)


def programme(code: str, authority: Organization, providers: Sequence[Organization], *, at: datetime) -> Programme:
    """Return the programme of this code, drafted by one officer and published by another if it is new."""
    known = Programme.objects.filter(code=code).first()
    if known is not None:
        return known
    maker, checker = _pair("officer")
    drafted = reference.draft(
        code=code,
        authority=authority,
        providers=providers,
        opens_on=_opens_on(at),
        closes_on=_opens_on(at) + timedelta(days=365),
        actor=_as(maker, authority),
        at=at,
    )
    programmes.publish(programme=drafted, actor=_as(checker, authority), at=at)
    return drafted


def _opens_on(at: datetime) -> date:
    return date_of(at).replace(month=1, day=1)
