"""What registers say of organisations, with its dates, and who is a related party because of it."""

from datetime import date
from itertools import permutations

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stdnum.cn import uscc

from accounts import selectors, traits
from accounts.models import AuditEntry, Shareholding, Tie, Trait, User
from accounts.services import organizations, relations
from accounts.services.audit import SYSTEM
from tests.market import scenes
from tests.market.scenes import AT

DAY = date(2025, 6, 30)
CODE = "91440300MA5EQXL17" + uscc.calc_check_digit("91440300MA5EQXL17")


def named(one):
    return (one, f"Company {one}") if isinstance(one, str) else (one.credit_code, one.name)


def holds(holder, held, share_bp, *, since=date(2020, 1, 1), **more):
    return relations.record_shareholding(
        holder=named(holder), held=named(held), share_bp=share_bp, valid_from=since, source="R", actor=SYSTEM, at=AT,
        **more,
    )  # fmt: skip


def has(organization, kind, value, *, since=date(2020, 1, 1), **more):
    return relations.record_trait(
        organization=organization, kind=kind, value=value, valid_from=since, source="R", actor=SYSTEM, at=AT, **more
    )


def between(one, other, on=DAY):
    found = selectors.relatedness(one_id=one.pk, others=[other.pk], on=on)
    return found[0] if found else None


@pytest.mark.parametrize("turned", [False, True])
def test_a_share_of_2500_bp_relates_and_of_2499_does_not_whoever_holds_it(db, turned):
    buyer, provider = scenes.buyer(), scenes.provider()
    holds(*((provider, buyer) if turned else (buyer, provider)), 2_499)
    just_below = between(buyer, provider)

    other = scenes.provider()
    holds(*((other, buyer) if turned else (buyer, other)), 2_500)

    assert (just_below.share_bp, just_below.is_related()) == (2_499, False)
    assert just_below.is_related(2_499)
    assert between(other, buyer).is_related()
    assert selectors.related_ids(one_id=buyer.pk, on=DAY) == {other.pk}


def test_shares_multiply_along_a_chain_of_strangers_and_add_up_over_chains(db):
    buyer, provider = scenes.buyer(), scenes.provider()
    holds(buyer, "9144030000000000AA", 5_000)
    holds("9144030000000000AA", "9144030000000000BB", 9_999)
    holds("9144030000000000BB", provider, 5_000)

    alone = between(buyer, provider)
    holds(buyer, provider, 1)

    assert (alone.share_bp, alone.is_related()) == (2_499, False)  # 5,000 × 9,999 × 5,000 is 2,499.75, rounded down
    assert [line["share_bp"] for line in alone.chains[0]["facts"]] == [5_000, 9_999, 5_000]
    assert (between(provider, buyer).share_bp, between(provider, buyer).is_related()) == (2_500, True)


def test_what_one_holds_is_not_added_to_what_the_other_holds(db):
    buyer, provider = scenes.buyer(), scenes.provider()
    holds(buyer, provider, 2_000)
    holds(provider, buyer, 2_400)

    assert (between(buyer, provider).share_bp, between(buyer, provider).is_related()) == (2_400, False)


def test_a_branch_is_its_parent_and_a_circle_of_holdings_ends(db):
    parent, branch, provider = scenes.buyer(), scenes.buyer(), scenes.provider()
    holds(parent, branch, 10_000, is_branch=True)
    holds(branch, provider, 3_000)
    holds(provider, parent, 3_000)

    assert between(parent, branch).share_bp == 10_000
    assert between(parent, provider).share_bp == 3_000
    assert between(branch, provider).share_bp == 3_000


def test_facts_count_from_their_first_day_until_the_day_on_which_they_end(db):
    buyer, provider = scenes.buyer(), scenes.provider()
    first = holds(buyer, "9144030000000000AA", 10_000, since=date(2025, 3, 1))
    holds("9144030000000000AA", provider, 3_000, since=date(2025, 2, 1))

    relations.end(fact=first, on=date(2025, 6, 30), actor=SYSTEM, at=AT)

    days = {day: between(buyer, provider, day) is not None for day in (date(2025, 2, 28), date(2025, 3, 1),
            date(2025, 6, 29), date(2025, 6, 30))}  # fmt: skip
    assert list(days.values()) == [False, True, True, False]
    with pytest.raises(relations.FactOver):
        relations.end(fact=first, on=date(2025, 7, 1), actor=SYSTEM, at=AT)
    with pytest.raises(relations.BadFact):
        relations.end(fact=first, on=date(2025, 3, 1), actor=SYSTEM, at=AT)


def test_a_company_that_joins_the_platform_brings_what_the_register_knew_of_it(db):
    buyer = scenes.buyer()
    holds(buyer, CODE, 4_000)

    joined = organizations.register(kind="provider", name="Late", credit_code=CODE, actor=SYSTEM, at=AT)

    assert between(buyer, joined).share_bp == 4_000


@pytest.mark.parametrize(
    ("kind", "one_way", "another"),
    [
        ("phone", "+86 138-0013-8000", "１３８００１３８０００"),
        ("bank_account", "6222 0210 0111 2345 678", "6222-0210-0111-2345-678"),
        ("domain", "info@Suan.example.CN", "https://www.suan.example.cn/about"),
        ("address", "深圳市南山区科技园 1 号", "深圳市南山区科技园１号。"),
        ("device", "AA:BB:CC", "aabbcc"),
        ("representative", "440301 19800101 1234", "440301198001011234"),
    ],
)
def test_one_thing_written_in_two_ways_relates(db, kind, one_way, another):
    buyer, provider = scenes.buyer(), scenes.provider()
    has(buyer, kind, one_way)
    has(provider, kind, another)

    found = between(buyer, provider)

    assert found.grounds == (kind,)
    assert found.is_related(10_000)
    assert found.chains[0]["facts"][0]["value"].startswith("…")


def test_one_person_in_two_offices_relates_but_a_number_is_no_person_and_a_shared_address_nobodys(db):
    buyer, provider, third = scenes.buyer(), scenes.provider(), scenes.provider()
    has(buyer, "manager", "13800138000")
    has(provider, "controller", "13800138000")
    has(third, "phone", "13800138000")
    address = [has(one, "address", "Incubator 1", shared=True) for one in (buyer, third)]

    assert between(buyer, provider).grounds == ("person",)
    assert between(buyer, third) is None
    assert len(address) == 2


def test_what_a_person_declared_relates_without_a_day(db):
    buyer, provider = scenes.buyer(), scenes.provider()
    relations.declare(first=provider, second=buyer, ground="other", source="a letter", actor=SYSTEM, at=AT)

    found = between(buyer, provider, date(1999, 1, 1))

    assert found.evidence()["chains"] == [
        {"ground": "other", "share_bp": None, "facts": [{"kind": "declared", "ground": "other", "source": "a letter"}]}
    ]


def test_a_fact_is_recorded_once_and_only_its_end_is_written(db):
    buyer, provider = scenes.buyer(), scenes.provider()
    fact = holds(buyer, provider, 1_000)
    trait = has(buyer, "phone", "1")

    for refused, error in [
        (lambda: holds(buyer, provider, 2_000), relations.AlreadyRecorded),
        (lambda: holds(buyer, buyer, 2_000), relations.BadFact),
        (lambda: holds(buyer, provider, 10_001), relations.BadFact),
        (lambda: holds(provider, buyer, 9_999, is_branch=True), relations.BadFact),
        (lambda: has(buyer, "phone", "１"), relations.AlreadyRecorded),
        (lambda: has(buyer, "phone", "none"), relations.BadFact),
    ]:
        with pytest.raises(error):
            refused()
    for rows, changed in ((type(fact), {"share_bp": 1}), (type(trait), {"value": "2"})):
        with pytest.raises(IntegrityError, match="only its end"), transaction.atomic():
            rows.objects.update(**changed)
    with pytest.raises(IntegrityError, match="follow from facts"), transaction.atomic():
        Tie.objects.all().delete()
    assert AuditEntry.objects.filter(verb="shareholding.recorded").count() == 1
    assert traits.masked("1234") == "1234"


edges = st.dictionaries(
    st.sampled_from(list(permutations(range(4), 2))), st.sampled_from([1_000, 5_000, 9_000, 10_000]), max_size=8
)


@given(edges)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ties_are_the_sum_over_all_simple_chains_in_whatever_order_the_facts_come(db, edges):
    firms = [scenes.buyer() for _ in range(4)]
    for (holder, held), share_bp in edges.items():
        holds(firms[holder], firms[held], share_bp)

    for one, other in permutations(range(4), 2):
        found = between(firms[one], firms[other])
        most = max(chained_bp(edges, one, other), chained_bp(edges, other, one))
        assert (found.share_bp if found else 0) == most


def chained_bp(edges, one, other):
    """Return the sum over simple chains of the product of their shares, each rounded down once."""

    def walk(here, seen, product, length):
        if here == other:
            yield product // 10_000 ** (length - 1)
            return
        for (holder, held), share_bp in edges.items():
            if holder == here and held not in seen:
                yield from walk(held, {*seen, held}, product * share_bp, length + 1)

    return sum(walk(one, {one}, 1, 0))


def test_an_operator_records_facts_in_the_admin_and_is_told_what_is_wrong(db):
    operator = User.objects.create_user("operator", is_staff=True)
    codes = ["add_shareholding", "view_shareholding", "add_trait", "view_trait"]
    operator.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client, buyer = Client(), scenes.buyer()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    names = {"holder_code": buyer.credit_code, "holder_name": "A", "held_code": CODE, "held_name": "B"}
    holding = names | {"share_bp": 3_000, "valid_from": "2025-01-01", "source": "R"}
    trait = {
        "organization": buyer.pk,
        "kind": "phone",
        "value": "138 0013 8000",
        "valid_from": "2025-01-01",
        "source": "R",
    }

    for path, fields in (("shareholding", holding), ("trait", trait)):
        assert client.post(f"/admin/accounts/{path}/add/", fields).status_code == 302
        again = client.post(f"/admin/accounts/{path}/add/", fields, follow=True)
        assert again.status_code == 200
        assert client.get(f"/admin/accounts/{path}/").status_code == 200

    assert Trait.objects.get().value == "13800138000"
    assert Shareholding.objects.get().recorded_by == operator
    assert client.get(f"/admin/accounts/trait/{Trait.objects.get().pk}/change/").status_code == 200
