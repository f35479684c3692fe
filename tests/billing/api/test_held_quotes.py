"""Quotes over the API: asked for, accepted, given back, and nobody else's business."""

from datetime import timedelta

import pytest

from market.models import Order, Quote
from tests.billing import scenes
from tests.billing.api.test_orders import assert_problem, post
from tests.billing.scenes import AT, HOUR, START

QUOTES = "/api/v1/orders/quotes"


@pytest.fixture
def body(offering):
    return {
        "category": "GPU_TRAIN",
        "accelerators": [offering.accelerator.code],
        "count": 2,
        "hours": 3,
        "start_min": START.isoformat(),
        "start_max": (START + 2 * HOUR).isoformat(),
        "limit_micro": 2_500_000,
    }


def test_a_quote_is_given_and_read(api, body, offering):
    answer = post(api, QUOTES, body)

    assert answer.status_code == 201
    quote = Quote.objects.get()
    assert answer.json() == {
        "id": str(quote.pk),
        "status": "open",
        "name": "",
        "offering": str(offering.pk),
        "provider": str(offering.provider_id),
        "accelerator": "card",
        "count": 2,
        "starts_at": "2026-10-01T11:00:00+08:00",
        "ends_at": "2026-10-01T14:00:00+08:00",
        "price_micro": 2_000_000,
        "hourly_micro": [2_000_000] * 3,
        "total_fen": 1200,
        "quoted_at": "2026-10-01T10:00:00+08:00",
        "expires_at": "2026-10-01T10:15:00+08:00",
        "order": None,
    }
    assert api.get(f"{QUOTES}/{quote.pk}").json() == answer.json()
    assert [one["id"] for one in api.get(QUOTES).json()["data"]] == [str(quote.pk)]


def test_a_quote_is_accepted_with_a_grant(api, body, grant):
    quote = post(api, QUOTES, body).json()

    answer = post(api, f"{QUOTES}/{quote['id']}/accept", {"grant": str(grant.pk)})

    assert answer.status_code == 201
    order = answer.json()
    assert (order["status"], order["reservation"]["price_micro"]) == ("matched", 2_000_000)
    assert api.get(f"{QUOTES}/{quote['id']}").json()["order"] == order["id"]
    assert_problem(post(api, f"{QUOTES}/{quote['id']}/accept", {}), 409, "quote-over")


def test_a_quote_is_given_back(api, body):
    quote = post(api, QUOTES, body).json()

    assert post(api, f"{QUOTES}/{quote['id']}/withdraw").json()["status"] == "withdrawn"
    assert_problem(post(api, f"{QUOTES}/{quote['id']}/accept", {}), 409, "quote-over")


def test_a_quote_that_has_expired_is_refused(api, body, set_clock):
    quote = post(api, QUOTES, body).json()
    set_clock(AT + timedelta(minutes=15))

    assert_problem(post(api, f"{QUOTES}/{quote['id']}/accept", {}), 409, "quote-over")
    assert not Order.objects.exists()


def test_what_finds_nothing_says_why(api, body):
    problem = assert_problem(post(api, QUOTES, body | {"count": 9}), 409, "nothing-to-quote")

    assert problem["reason"] == "capacity"


@pytest.mark.parametrize("field", ["grant", "kind", "junk"])
def test_what_a_quote_does_not_take_is_refused(api, body, field):
    assert post(api, QUOTES, body | {field: None}).status_code == 400


def test_another_firms_quote_looks_like_none(api, client_of, body, provider):
    path = f"{QUOTES}/{post(api, QUOTES, body).json()['id']}"
    stranger, reader = client_of(scenes.funded_buyer()), client_of(provider)

    for client in (stranger, reader):
        assert client.get(path).status_code == 404
        assert_problem(post(client, f"{path}/accept", {}), 404, "not-found")
        assert_problem(post(client, f"{path}/withdraw"), 404, "not-found")
    assert_problem(post(reader, QUOTES, body), 403, "forbidden")
    assert client_of(provider, scopes=["read"]).post(QUOTES).status_code == 403


# Buying from a listing

PURCHASES = "/api/v1/orders/purchases"


@pytest.fixture
def wanted(offering):
    return {
        "offering": str(offering.pk),
        "count": 2,
        "hours": 3,
        "start_min": START.isoformat(),
        "start_max": (START + 2 * HOUR).isoformat(),
    }


def test_a_listing_is_bought_at_once(api, wanted, offering, grant):
    answer = post(api, PURCHASES, wanted | {"grant": str(grant.pk)})

    assert answer.status_code == 201
    order = answer.json()
    assert (order["status"], order["limit_micro"]) == ("matched", 2_000_000)
    assert (order["reservation"]["offering"], order["reservation"]["price_micro"]) == (str(offering.pk), 2_000_000)


def test_a_price_that_has_risen_above_the_limit_buys_nothing(api, wanted):
    answer = post(api, PURCHASES, wanted | {"limit_micro": 1_999_999})

    assert answer.status_code in (409, 422)
    assert not Order.objects.exists()
    assert not Quote.objects.exists()


@pytest.mark.parametrize("far", ["9999-12-31T23:00:00+00:00", "0001-01-01T00:00:00+00:00"])
def test_windows_at_the_ends_of_time_are_refused(api, wanted, far):
    assert post(api, PURCHASES, wanted | {"start_max": far, "hours": 8784}).status_code in (400, 409, 422)


def test_what_is_not_listed_looks_like_nothing(api, wanted):
    unknown = "0198f000-0000-7000-8000-000000000000"

    assert_problem(post(api, PURCHASES, wanted | {"offering": unknown}), 404, "not-found")
