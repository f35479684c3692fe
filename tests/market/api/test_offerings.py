"""Offerings over HTTP."""

import pytest
import time_machine

from accounts.models import AuditEntry
from market.models import CalendarHour, Category, Offering, OfferingStatus
from market.services import offerings, vetting
from tests.market import scenes
from tests.market.agents import Machine
from tests.market.scenes import AT, SYSTEM, hours


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def seller(provider):
    return Machine(provider)


def terms(site, card, /, **changes):
    return {
        "site": str(site.pk),
        "accelerator": card.code,
        "name": "Training pool",
        "category": "GPU_TRAIN",
        "count": 16,
        "price_micro": 2_200_000,
        "opens_at": AT.isoformat(),
    } | changes


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def names(response):
    assert response.status_code == 200, response.content
    return [one["name"] for one in response.json()["data"]]


def test_a_provider_drafts_and_lists_an_offering(seller, card):
    site = scenes.site(seller.organization, name="深圳中心")

    drafted = seller.post("offerings", terms(site, card))
    submitted = seller.post(f"offerings/{drafted.json()['id']}/submit")
    offering = Offering.objects.get()
    vetting.approve(offering=offering, actor=scenes.operator(), at=AT)
    listed = seller.get(f"offerings/{offering.pk}")

    assert drafted.status_code == 201
    assert drafted.json()["status"] == "draft"
    assert submitted.json()["status"] == "review"
    assert submitted.json()["reference"] == offering.reference
    assert listed.json() == {
        "id": str(offering.pk),
        "name": "Training pool",
        "status": "listed",
        "provider": str(seller.organization.pk),
        "provider_name": seller.organization.name,
        "site": "深圳中心",
        "province": "广东省",
        "city": "深圳市",
        "accelerator": "card",
        "domestic": True,
        "category": "GPU_TRAIN",
        "count": 16,
        "price_micro": 2_200_000,
        "scenario": "train-fp16",
        "sch_status": "not-comparable",
        "price_sch_micro": None,
        "opens_at": "2026-10-01T10:00:00+08:00",
        "closes_at": None,
        "handover": "clock",
        "reliability_bp": None,
        "min_count": 1,
        "step_count": 1,
        "max_count": None,
        "max_hours": None,
        "floor_micro": None,
        "reclaim_minutes": None,
        "notice_hours": 0,
        "provisioning_minutes": 0,
    }
    assert AuditEntry.objects.get(verb="offering.submitted").actor_key == seller.key


def test_a_request_that_is_sent_again_drafts_once(seller, card):
    site = scenes.site(seller.organization)
    first = seller.post("offerings", terms(site, card), key="once")

    second = seller.post("offerings", terms(site, card), key="once")

    assert second.content == first.content
    assert second["Idempotency-Replayed"] == "true"
    assert Offering.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"count": 0}, 400, "invalid"),
        ({"count": -1}, 400, "invalid"),
        ({"count": 10**9}, 400, "invalid"),
        ({"price_micro": 0}, 400, "invalid"),
        ({"price_micro": 2.5}, 400, "invalid"),
        ({"category": "MINING"}, 400, "invalid"),
        ({"colour": "red"}, 400, "invalid"),
        ({"name": ""}, 400, "invalid"),
        ({"accelerator": "no-such-card"}, 422, "unknown-model"),
        ({"site": "0192f5c4-7f3c-7abc-8def-0123456789ab"}, 404, "not-found"),
        ({"closes_at": "2020-01-01T00:00:00Z"}, 422, "bad-terms"),
    ],
)
def test_a_draft_on_senseless_terms_is_refused(seller, card, changes, status, code):
    site = scenes.site(seller.organization)

    response = seller.post("offerings", terms(site, card, **changes))

    assert problem(response) == (status, code)
    assert not Offering.objects.exists()


def test_malformed_json_is_refused(seller):
    headers = {"Idempotency-Key": "k"}

    response = seller.client.post("/api/v1/offerings", "{", content_type="application/json", headers=headers)

    assert problem(response) == (400, "parse-error")
    assert not Offering.objects.exists()


def test_a_foreign_site_does_not_exist(seller, card):
    response = seller.post("offerings", terms(scenes.site(scenes.provider()), card))

    assert problem(response) == (404, "not-found")
    assert not Offering.objects.exists()


def test_a_buyer_sells_nothing(buyer, card):
    response = Machine(buyer).post("offerings", terms(scenes.site(scenes.provider()), card))

    assert problem(response)[0] in (403, 404)
    assert not Offering.objects.exists()


def test_a_key_without_the_scope_sells_nothing(provider, card):
    response = Machine(provider, scopes=["read"]).post("offerings", terms(scenes.site(provider), card))

    assert problem(response) == (403, "permission-denied")
    assert not Offering.objects.exists()


@pytest.mark.parametrize("verb", ["submit", "pause", "close-hours"])
def test_a_foreign_offering_does_not_exist(offering, verb):
    fields = {
        "starts_at": AT.isoformat(),
        "ends_at": (AT + hours(1)).isoformat(),
        "capacity": 0,
        "reason": "maintenance",
    }

    response = Machine(scenes.provider()).post(f"offerings/{offering.pk}/{verb}", fields)

    assert problem(response) == (404, "not-found")
    assert Offering.objects.get().status == OfferingStatus.LISTED
    assert not CalendarHour.objects.exists()


def test_a_paused_offering_cannot_be_paused_again(seller, offering):
    seller.post(f"offerings/{offering.pk}/pause")

    response = seller.post(f"offerings/{offering.pk}/pause")

    assert problem(response) == (409, "illegal-move")
    assert Offering.objects.get().status == OfferingStatus.PAUSED


def test_a_provider_closes_hours_above_what_is_reserved(seller, buyer, offering):
    scenes.reserved(buyer, offering)
    period = {"starts_at": (AT + hours(1)).isoformat(), "ends_at": (AT + hours(3)).isoformat()}

    refused = seller.post(f"offerings/{offering.pk}/close-hours", period | {"capacity": 1, "reason": "r"})
    closed = seller.post(f"offerings/{offering.pk}/close-hours", period | {"capacity": 2, "reason": "r"})

    assert problem(refused) == (409, "cards-reserved")
    assert closed.status_code == 200
    assert list(CalendarHour.objects.order_by("hour").values_list("capacity", flat=True)) == [2, 2, 8]


def test_a_reversed_period_cannot_be_closed(seller, offering):
    period = {
        "starts_at": (AT + hours(3)).isoformat(),
        "ends_at": (AT + hours(1)).isoformat(),
        "capacity": 0,
        "reason": "maintenance",
    }

    response = seller.post(f"offerings/{offering.pk}/close-hours", period)

    assert problem(response) == (400, "invalid")
    assert not CalendarHour.objects.exists()


def test_everyone_sees_what_is_listed_and_a_provider_its_own(buyer, offering, card):
    other = scenes.provider()
    draft = scenes.draft(other, card, name="Draft", price_micro=offering.price_micro + 1)

    assert names(Machine(buyer).get("offerings")) == [offering.name]
    assert names(Machine(other).get("offerings")) == [offering.name, draft.name]
    assert problem(Machine(buyer).get(f"offerings/{draft.pk}")) == (404, "not-found")
    assert Machine(other).get(f"offerings/{draft.pk}").json()["name"] == "Draft"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["far", "cheap", "big", "dear"]),
        ({"model": "foreign"}, ["dear"]),
        ({"domestic": "true"}, ["far", "cheap", "big"]),
        ({"category": "HPC"}, ["cheap"]),
        ({"city": "贵阳市"}, ["far"]),
        ({"max_price_micro": 1_000_000}, ["far", "cheap"]),
        ({"min_cards": 9}, ["big"]),
        ({"city": "深圳市", "max_price_micro": 2_000_000, "min_cards": 8}, ["cheap", "big"]),
    ],
)
def test_offerings_are_found_by_what_a_buyer_asks(provider, buyer, card, query, expected):
    foreign = scenes.accelerator("foreign", domestic=False)
    scenes.listed(provider, card, name="cheap", price_micro=1_000_000, category=Category.HPC)
    scenes.listed(provider, card, name="big", price_micro=2_000_000, count=9)
    scenes.listed(provider, foreign, name="dear", price_micro=9_000_000)
    scenes.listed(provider, card, name="far", price_micro=900_000, site=scenes.site(provider, city="贵阳市"))

    assert names(Machine(buyer).get("offerings", **query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"category": "MINING"},
        {"max_price_micro": "cheap"},
        {"min_cards": -1},
        {"sort": "colour"},
        {"domestic": "perhaps"},
        {"q": "a" * 501},
        {"text": "\x00"},
        {"colour": "red"},
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(buyer, query):
    assert problem(Machine(buyer).get("offerings", **query)) == (400, "invalid")


def test_pages_follow_each_other_in_the_order_of_prices(provider, buyer, card):
    for number in range(5):
        scenes.listed(provider, card, name=str(number), price_micro=1_000_000 + number // 2 * 2)
    machine = Machine(buyer)

    first = machine.get("offerings", limit=2).json()
    second = machine.get("offerings", limit=2, cursor=first["next_cursor"]).json()
    third = machine.get("offerings", limit=2, cursor=second["next_cursor"]).json()

    shown = [{one["name"] for one in page["data"]} for page in (first, second, third)]
    assert shown == [{"0", "1"}, {"2", "3"}, {"4"}]
    assert (third["has_more"], third["next_cursor"]) == (False, None)


def test_a_list_takes_few_queries_whatever_its_length(provider, buyer, card, django_assert_max_num_queries):
    for _ in range(60):
        scenes.listed(provider, card)
    machine = Machine(buyer)

    with django_assert_max_num_queries(4):
        assert len(machine.get("offerings", limit=60).json()["data"]) == 60


def test_the_card_models_can_be_read(buyer, card):
    page = Machine(buyer).get("accelerators").json()

    assert page["data"][0]["code"] == "card"
    assert Machine(buyer).get("accelerators/card").json()["vendor"] == "Vendor"


def test_the_catalogue_needs_a_key(offering, client):
    response = client.get("/api/v1/offerings")

    assert problem(response)[0] == 401


def test_an_archived_offering_is_no_longer_shown(buyer, offering):
    offerings.archive(offering=offering, actor=SYSTEM, at=AT)

    assert names(Machine(buyer).get("offerings")) == []


def test_a_provider_says_how_its_cards_are_handed_over(seller, card):
    own = scenes.draft(seller.organization, card)
    foreign = scenes.draft(scenes.provider(), card)

    answer = seller.post(f"offerings/{own.pk}/handover", {"handover": "reported"})

    assert (answer.status_code, answer.json()["handover"]) == (200, "reported")
    assert seller.post(f"offerings/{own.pk}/handover", {"handover": "by pigeon"}).status_code == 400
    assert seller.post(f"offerings/{foreign.pk}/handover", {"handover": "reported"}).status_code == 404
    assert AuditEntry.objects.get(verb="offering.handover").after == {"handover": "reported"}
