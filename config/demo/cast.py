"""The organisations, people, vouchers and wallets of a rehearsal. Assembling them twice changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

from django.contrib.auth.models import Group
from stdnum.cn import uscc

from accounts.models import Membership, Organization, OrganizationKind, Role, SigningKey, User
from accounts.services import keys, organizations
from accounts.services.audit import SYSTEM, Actor
from config.demo import codes, funds
from config.demo.scenario import Scenario
from config.demo.usage import signing_key

PASSWORD = "suanyi-demo"  # noqa: S105 - printed for everyone who tries the rehearsal; production has no such users
OPERATOR = "算易运营（演示）"
AUTHORITIES = {
    "CD-2025": "成都样式主管部门（演示）",
    "QY-2024": "庆阳样式主管部门（演示）",
    "WH-OPC-2026": "武汉样式主管部门（演示）",
    "BJ-2023": "北京样式主管部门（演示）",
    "HN-2025": "河南样式主管部门（演示）",
}
TRADES = ("智能科技", "机器人", "生物计算", "影像", "气象服务", "材料设计", "语音技术", "数据服务")
CITIES = ("成都市", "庆阳市", "武汉市")
OFFICERS = {
    "officer1": Role.REVIEWER,
    "officer2": Role.OWNER,
    "treasurer1": Role.FINANCE,
    "treasurer2": Role.FINANCE,
    "expert1": Role.EXPERT,
    "district1": Role.DISTRICT,
    "auditor1": Role.AUDITOR,
}
DISTRICT = "高新区"  # that of the district reviewer of every authority
STAFF_GROUPS = {Role.REVIEWER: "voucher-officers", Role.OWNER: "voucher-officers", Role.AUDITOR: "auditors"}


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: by name or by number, with the person who acts for each."""

    operator: Organization
    providers: dict[str, Organization]
    buyers: list[Organization]
    authorities: dict[str, Organization]
    signing_keys: dict[str, SigningKey]


@dataclass(frozen=True, slots=True)
class Login:
    """A person whom ``make up`` lets you be."""

    username: str
    does: str


LOGINS = (
    Login("buyer", "buys compute with a voucher"),
    Login("seller", "sells compute"),
    Login("officer1", "reviews applications and proposes vouchers"),
    Login("officer2", "publishes programmes and approves awards"),
    Login("treasurer1", "pays what was approved (treasurer2 is the second person)"),
    Login("district1", "reviews the applications of one district first"),
    Login("expert1", "scores applications on a panel"),
    Login("auditor1", "reads everything and raises findings"),
    Login("operator1", "registers bank transfers (admin)"),
    Login("operator2", "confirms them as the second person (admin)"),
)


def credit_code(name: str) -> str:
    """Return a credit code for a made-up organisation: the check character is right, the rest is derived."""
    body = f"91510100{crc32(name.encode()) % 10**9:09d}"
    return body + uscc.calc_check_digit(body)


def organization(*, kind: str, name: str, at: datetime, city: str = "") -> Organization:
    """Return the organisation of this name, registered now if it is new."""
    known = Organization.objects.filter(credit_code=credit_code(name)).first()
    return known or organizations.register(
        kind=kind, name=name, credit_code=credit_code(name), city=city, actor=SYSTEM, at=at
    )


def person(username: str, *, staff_group: str = "") -> User:
    """Return the user of this name, created with the demo password if it is new."""
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User.objects.create_user(username, password=PASSWORD, is_staff=bool(staff_group))
    if staff_group:
        user.groups.add(Group.objects.get(name=staff_group))
    return user


def member(user: User, of: Organization, *, role: str, at: datetime) -> Actor:
    """Let a user act for an organisation, and return them as an actor."""
    if not Membership.objects.filter(user=user, organization=of).exists():
        district = DISTRICT if role == Role.DISTRICT else ""
        organizations.add_member(organization=of, user=user, role=role, district=district, actor=SYSTEM, at=at)
    codes.enrol(user)
    return Actor(user=user, organization=of)


def assemble(*, scenario: Scenario, at: datetime) -> Cast:
    """Bring everyone on stage, with vouchers granted by two officers and wallets filled by two operators."""
    operator = organization(kind=OrganizationKind.OPERATOR, name=OPERATOR, at=at)
    providers = {
        pool.provider: organization(kind=OrganizationKind.PROVIDER, name=pool.provider, city=pool.city, at=at)
        for pool in scenario.pools
    }
    buyers = [_buyer(number, at=at) for number in range(scenario.buyers)]
    authorities = {
        code: organization(kind=OrganizationKind.AUTHORITY, name=name, at=at) for code, name in AUTHORITIES.items()
    }
    _people(operator, providers, buyers, list(authorities.values()), at=at)
    funds.grant_vouchers(authorities=authorities, providers=providers, buyers=buyers, at=at)
    funds.fill_wallets(buyers=buyers, at=at)
    signing = {name: _signing_key(scenario.seed, provider, at=at) for name, provider in providers.items()}
    return Cast(operator, providers, buyers, authorities, signing)


def _buyer(number: int, *, at: datetime) -> Organization:
    city, trade = CITIES[number % len(CITIES)], TRADES[number % len(TRADES)]
    name = f"{city.removesuffix('市')}{trade}第{number + 1}公司（演示）"
    return organization(kind=OrganizationKind.BUYER, name=name, city=city, at=at)


def _people(
    operator: Organization,
    providers: dict[str, Organization],
    buyers: list[Organization],
    authorities: list[Organization],
    *,
    at: datetime,
) -> None:
    member(person("buyer"), buyers[0], role=Role.OWNER, at=at)
    member(person("seller"), next(iter(providers.values())), role=Role.OWNER, at=at)
    for username in ("operator1", "operator2"):
        member(person(username, staff_group="operators"), operator, role=Role.FINANCE, at=at)
    for username, role in OFFICERS.items():
        for authority in authorities:
            member(person(username, staff_group=STAFF_GROUPS.get(role, "")), authority, role=role, at=at)


def _signing_key(seed: int, provider: Organization, *, at: datetime) -> SigningKey:
    public = signing_key(seed=seed, provider=provider.name).public_key().public_bytes_raw()
    known = SigningKey.objects.filter(public_key=public).first()
    return known or keys.register_signing_key(organization=provider, public_key=public, actor=SYSTEM, at=at)
