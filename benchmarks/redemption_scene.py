"""A programme with thousands of grants, and a bare table with as many rows, for the redemption benchmark.

Imported only once Django is set up for the benchmark's own server.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from accounts.models import Organization, User
from accounts.services.audit import Actor
from ledger.models import Account
from ledger.services import posting
from vouchers import chart
from vouchers.models import Grant, GrantStatus, Programme
from vouchers.services import programmes

GRANTS = 2_000
FACE_FEN = 10**13
AT = datetime(2026, 7, 1, 4, tzinfo=UTC)
# The first hold of a firm's year makes its counter; the others, which are measured, find it.
FIRST_OF_THE_YEAR = """
SELECT voucher_hold(uuidv7(), id, account_id, 'first/' || id, %s::smallint, 1000, 300, '{}', %s) FROM vouchers_grant
"""


def seed() -> int:
    """Publish a programme, grant from it to as many firms as there are bare rows, and return the first account's id."""
    maker, checker = (User.objects.create(username=name) for name in ("maker", "checker"))
    authority, *firms = Organization.objects.bulk_create(
        Organization(kind="buyer" if number else "authority", name=f"{number}", credit_code=f"{number:018d}")
        for number in range(GRANTS + 2)
    )
    programme = publish(authority, maker, checker)
    accounts = fund(programme)
    grant(programme, firms, accounts, maker, checker)
    first = accounts[0].pk
    assert [account.pk for account in accounts] == list(range(first, first + GRANTS + 1))
    lay_bare_table()
    return first


def publish(authority: Organization, maker: User, checker: User) -> Programme:
    """Return a published programme that pays 30 % within a cap nobody reaches."""
    programme = programmes.draft(
        authority=authority,
        actor=Actor(user=maker),
        at=AT,
        code="bench",
        name="Bench",
        budget_fen=FACE_FEN * (GRANTS + 1),
        ratio_bp=3_000,
        entity_year_cap_fen=FACE_FEN,
        validity_days=365,
        eligible_categories=["GPU_TRAIN", "GPU_INFER", "HPC"],
        open_registry=True,
        opens_on=AT.date() - timedelta(days=90),
        closes_on=AT.date() + timedelta(days=90),
    )
    return programmes.publish(programme=programme, actor=Actor(user=checker), at=AT)


def fund(programme: Programme) -> list[Account]:
    """Move a face value from the budget to the account of every grant."""
    codes = [chart.grant(UUID(int=number)) for number in range(1, GRANTS + 2)]
    opened = posting.open_accounts(floors=dict.fromkeys(codes, 0))
    budget = posting.open_account(code=chart.budget(programme.pk), floor_fen=0)
    posting.post_many(
        entries=[
            posting.Entry(
                code, "voucher.grant", [posting.Leg(budget, -FACE_FEN), posting.Leg(opened[code], FACE_FEN)], AT
            )
            for code in codes
        ]
    )
    return [opened[code] for code in codes]


def grant(programme: Programme, firms: list[Organization], accounts: list[Account], maker: User, checker: User) -> None:
    """Write an active grant for every firm; its id is its number."""
    Grant.objects.bulk_create(
        Grant(
            id=UUID(int=number),
            programme=programme,
            owner=firm,
            face_fen=FACE_FEN,
            account=account,
            status=GrantStatus.ACTIVE,
            proposed_by=maker,
            approved_by=checker,
            approved_at=AT,
            expires_at=AT + timedelta(days=365),
        )
        for number, (firm, account) in enumerate(zip(firms, accounts, strict=True), start=1)
    )


def lay_bare_table() -> None:
    """Create the table of the bare side, and make every firm's yearly counter."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (id bigint PRIMARY KEY, remaining bigint NOT NULL, active boolean NOT NULL)")
        cursor.execute("INSERT INTO bare SELECT n, %s, true FROM generate_series(1, %s) n", [FACE_FEN, GRANTS])
        cursor.execute(FIRST_OF_THE_YEAR, [AT.year, AT])
