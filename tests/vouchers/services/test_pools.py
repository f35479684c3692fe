"""Pools of a budget for the firms of districts, and the largest share of one provider: counted, named, refused."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from core.constraints import constraint_name
from tests.market.races import race
from tests.owning import as_owner
from tests.vouchers import filing, scenes
from tests.vouchers.scenes import AT, officer
from vouchers import pools, reconciliation
from vouchers.api import trial
from vouchers.models import Grant, Programme, Redemption
from vouchers.parameters import codec
from vouchers.rules.steps import Cap
from vouchers.services import bulk_grants, grants, programmes, redemptions, reissues
from vouchers.services.applications import deciding, rounds

pytestmark = pytest.mark.django_db

POOLS = [{"code": "EAST", "amount_fen": 1_000_000, "districts": ["East", "Coast"]}]
SHARED = {"caps.provider_share_bp": 1_000}  # of a budget of 5,000,000: 500,000


def published(changes, *, providers=None, **rules) -> Programme:
    draft = scenes.draft(open_registry=providers is None, **{"budget_fen": 3_000_000} | rules)
    parameters = codec.changed(draft.parameters, changes | {"identity.code": f"{draft.code}-X"})
    again = programmes.draft_of(authority=draft.authority, parameters=parameters, actor=officer(1), at=AT)
    programmes.list_providers(programme=again, providers=providers or [], actor=officer(1), at=AT)
    return programmes.publish(programme=again, actor=officer(2), at=AT)


def pooled(**rules) -> Programme:
    return published({"money.pools": POOLS}, **rules)


def give(programme: Programme, face_fen: int, pool: str = "") -> Grant:
    named = {"programme": programme, "owner": scenes.buyer(), "face_fen": face_fen, "pool": pool}
    return grants.approve(grant=grants.propose(actor=officer(1), at=AT, **named), actor=officer(2), at=AT)


def left(programme: Programme) -> dict[str, int]:
    return {pool.code: pool.left_fen for pool in pools.of(programme.pk)}


def test_a_pool_is_kept_for_its_districts_and_is_all_that_they_get():
    programme = pooled()
    first = filing.submitted(filing.opened(programme, **filing.SIMPLE), asked_fen=600_000, district="Coast")
    second = filing.submitted(first.round, asked_fen=400_001, district="East")
    other = filing.submitted(first.round, asked_fen=2_000_000, district="West")

    assert [filing.status(one) for one in (first, second, other)] == ["proposed", "waitlisted", "proposed"]
    assert left(programme) == {"EAST": 400_000, "": 0}
    with pytest.raises(grants.PoolExhausted) as refused:
        give(programme, 1)
    assert refused.value.extra == {"cap": "POOL"}
    deciding.approve(application=first, actor=officer(2), at=AT)
    assert left(programme) == {"EAST": 400_000, "": 0}
    assert reconciliation.discrepancies() == []


def test_what_comes_back_to_the_budget_is_free_in_its_pool_again():
    programme = pooled()
    grant = give(programme, 1_000_000, "EAST")
    scenes.capture(scenes.hold(grant, 1_000_000), 100_000)
    grants.revoke(grant=grant, actor=officer(2), at=AT)

    assert left(programme) == {"EAST": 900_000, "": 2_000_000}


def test_a_grant_that_is_issued_anew_stays_in_the_pool_of_its_application():
    programme = pooled()
    filed = filing.submitted(filing.opened(programme, **filing.SIMPLE), asked_fen=700_000, district="East")
    granted = deciding.approve(application=filed, actor=officer(2), at=AT).grant
    proposed = reissues.propose(grant=granted, successor=scenes.buyer(), reason="Merged", actor=officer(1), at=AT)

    assert reissues.approve(reissue=proposed, actor=officer(2), at=AT).pool == "EAST"
    assert left(programme) == {"EAST": 300_000, "": 2_000_000}


def test_a_row_of_a_sheet_names_its_pool_by_the_district():
    programme, firms = pooled(), [scenes.buyer() for _ in range(2)]
    rows = [f"{firm.credit_code},5000,{district}" for firm, district in zip(firms, ["East", ""], strict=True)]
    content = "\n".join(["统一社会信用代码,面额（元）,区县", *rows]).encode()

    bulk_grants.propose(programme=programme, name="十月", content=content, actor=officer(1), at=AT)
    assert list(Grant.objects.order_by("pk").values_list("pool", flat=True)) == ["EAST", ""]


def test_a_sheet_is_told_which_rows_its_pools_have_not_enough_for():
    programme = pooled()
    give(programme, 300_000, "EAST")
    asked = [("6000", "East"), ("1000.01", "Coast"), ("1000", "East"), ("20000", ""), ("0.01", "West")]
    rows = [f"{scenes.buyer().credit_code},{yuan},{district}" for yuan, district in asked]
    content = "\n".join(["统一社会信用代码,面额（元）,区县", *rows]).encode()

    with translation.override("en"):
        report = bulk_grants.preview(programme=programme, content=content, at=AT)

    assert [(line.pool, *line.errors) for line in report.lines] == [
        ("EAST",),
        ("EAST", "The pool EAST has only ¥1,000.00 left for this row."),
        ("EAST",),
        ("",),
        ("", "What no pool keeps has only ¥0.00 left for this row."),
    ]
    assert (report.short_fen, report.sound) == (100_002, False)
    with pytest.raises(bulk_grants.RowsRefused) as refused:
        bulk_grants.propose(programme=programme, name="十月", content=content, actor=officer(1), at=AT)
    assert [row["line"] for row in refused.value.extra["rows"]] == [3, 6]
    assert Grant.objects.count() == 1


def test_nobody_waits_for_a_pool_that_is_not_theirs():
    programme = pooled()
    procedure = filing.opened(programme, **filing.SIMPLE)
    whole = filing.submitted(procedure, asked_fen=2_000_000, district="West")
    asked = [(1_000_000, "East"), (1, "East"), (500, "West"), (500, "West")]
    _first, *waiting = [filing.submitted(procedure, asked_fen=fen, district=name) for fen, name in asked]
    deciding.turn_down(applications=[whole], reason_code="other", reason="Closed", actor=officer(2), at=AT)

    assert rounds.offer_freed_budget(procedure=procedure, at=AT) == 2
    assert [filing.status(one) for one in waiting] == ["waitlisted", "proposed", "proposed"]


@pytest.mark.parametrize(
    ("method", "awards"), [("batch", [1_000_000, 0, 900_000]), ("pro_rata", [500_000] * 2 + [900_000])]
)
def test_an_allocation_gives_no_pool_more_than_it_has(method, awards):
    programme = pooled()
    procedure = filing.opened(programme, **filing.SIMPLE | {"method": method})
    asked = [(1_000_000, "East"), (1_000_000, "Coast"), (900_000, "West")]
    filed = [filing.submitted(procedure, asked_fen=fen, district=name) for fen, name in asked]
    rounds.close(procedure=procedure, at=filing.CLOSES)
    rounds.allocate(procedure=procedure, actor=officer(1), at=filing.CLOSES + timedelta(days=1))

    for one in filed:
        one.refresh_from_db()
    assert [one.reserved_fen for one in filed] == awards


def test_a_quote_names_the_pool_that_binds():
    programme = pooled()
    give(programme, 900_000, "EAST")
    line = {"category": "GPU_TRAIN", "provider_listed": True, "amount_fen": 1_000_000}
    body = {"spending": [line], "case": {"facts": {"district": "East"}}}

    quoted = trial.quote(programme, body, at=AT)
    assert (quoted.amount_fen, quoted.binding_cap) == (100_000, Cap.POOL)
    assert trial.quote(programme, body | {"limits": {"pool_left_fen": 7}}, at=AT).amount_fen == 7


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"money.pools": [{"code": name, "amount_fen": 1} for name in "AB"]}, "ONE_POOL_FOR_THE_REST"),
        ({"money.pools": [{"code": n, "amount_fen": 1, "districts": ["East"]} for n in "AB"]}, "NAMED_TWICE"),
        (
            {"money.pools": POOLS, "allocation.district_quotas": [{"district": "East", "amount_fen": 1}]},
            "POOLS_OR_QUOTAS",
        ),
        (SHARED, "SHARE_NEEDS_A_LIST"),
    ],
)
def test_pools_and_shares_that_cannot_be_meant_are_refused(changes, code):
    parameters = scenes.draft(open_registry=True).parameters

    with pytest.raises(codec.BadParameters) as refused:
        codec.changed(parameters, changes)
    assert [problem.code for problem in refused.value.problems] == [code]


def bounded(providers) -> Programme:
    return published(SHARED, providers=providers, budget_fen=5_000_000)


def test_a_provider_gets_no_more_than_its_share_of_the_budget():
    first, second = scenes.provider(), scenes.provider()
    grant = give(bounded([first, second]), 2_000_000)
    scenes.hold(grant, 1_000_000, providers=[first])

    quoted = redemptions.quote(**scenes.wish(grant, 1_000_000, providers=[first, second]))
    assert (quoted.amount_fen, quoted.binding_cap) == (200_000, Cap.PROVIDER_SHARE)
    assert scenes.hold(grant, 1_000_000, providers=[first]).amount_fen == 200_000
    with pytest.raises(redemptions.Short):
        scenes.hold(grant, 1_000_000, providers=[first])
    assert scenes.hold(grant, 1_000_000, providers=[second]).amount_fen == 300_000


def test_who_might_deliver_counts_until_it_is_known_who_does():
    first, second = scenes.provider(), scenes.provider()
    grant = give(bounded([first, second]), 2_000_000)
    held = scenes.hold(grant, 1_000_000, providers=[first, second])
    scenes.capture(held, 100_000, provider_id=first.pk)
    mid = [redemptions.quote(**scenes.wish(grant, 2_000_000, providers=[one])).amount_fen for one in (first, second)]
    redemptions.release(redemption=Redemption.objects.get(), at=AT)
    end = [redemptions.quote(**scenes.wish(grant, 2_000_000, providers=[one])).amount_fen for one in (first, second)]

    assert mid == [200_000, 300_000]
    assert end == [400_000, 500_000]


@pytest.mark.parametrize("named", ["[]", None])
def test_raw_sql_passes_no_providers_share(named):
    provider = scenes.provider()
    grant = give(bounded([provider]), 2_000_000)
    scenes.hold(grant, 1_000_000, providers=[provider])
    why = f'{{"providers": {named or chr(91) + chr(34) + str(provider.pk) + chr(34) + chr(93)}}}'
    row = [grant.pk, grant.account_id, AT.year, 1_000_000, 200_001, why, AT]

    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT voucher_hold(uuidv7(), %s, %s, 'raw', %s::smallint, %s, %s, %s, %s)", row)

    assert constraint_name(refused.value) == "redemption_within_provider_share"


@pytest.mark.django_db(transaction=True)
def test_a_pool_and_a_providers_share_are_given_to_their_last_fen_and_no_further():
    programme = pooled()
    waiting = [
        grants.propose(
            programme=programme, owner=scenes.buyer(), face_fen=300_000, pool="EAST", actor=officer(1), at=AT
        )
        for _ in range(8)
    ]
    checker = officer(2)
    assert race(lambda n: grants.approve(grant=waiting[n], actor=checker, at=AT), threads=8) == {
        "ok": 3,
        "pool-exhausted": 5,
    }
    providers = [scenes.provider(), scenes.provider()]
    granted = [give(bound, 1_000_000) for bound in [bounded(providers)] for _ in range(4)]

    outcomes = race(lambda n: scenes.hold(granted[n % 4], 1_000_000, f"o/{n}", providers=providers[:: (-1) ** n]))
    assert outcomes["ok"] == 2
    assert sorted(Redemption.objects.values_list("amount_fen", flat=True)) == [200_000, 300_000]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("guard", "held"), [("voucher_keep_pool", 4), ("voucher_keep_provider_shares", 4)])
def test_without_its_guard_a_bound_is_passed(guard, held):
    provider = scenes.provider()
    programme = pooled() if guard == "voucher_keep_pool" else bounded([provider])
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [guard])
        (whole,) = cursor.fetchone()
        cursor.execute(f"{whole.partition('BEGIN')[0]}BEGIN END $function$")
    try:
        if guard == "voucher_keep_pool":
            for _ in range(held):
                give(programme, 300_000, "EAST")
            assert {one.used_fen for one in pools.of(programme.pk) if one.code} == {300_000 * held}
        else:
            grant = give(programme, 2_000_000)
            for number in range(held):
                row = [grant.pk, grant.account_id, f"o/{number}", AT.year, f'{{"providers": ["{provider.pk}"]}}', AT]
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT voucher_hold(uuidv7(), %s, %s, %s, %s::smallint, 1000000, 300000, %s, %s)", row
                    )
            assert Redemption.objects.count() == held
    finally:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(whole)
