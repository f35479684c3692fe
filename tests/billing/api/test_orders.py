"""Placing and cancelling over the API: once per key, all or nothing, and every bad input named."""

import json
from uuid import uuid4

import pytest

from accounts.models import IdempotentRequest
from billing.models import Funding, FundingStatus
from market.models import Order, OrderStatus
from tests.billing import scenes
from tests.billing.scenes import AT, HOUR, START
from tests.market import scenes as markets

ORDERS = "/api/v1/orders"


@pytest.fixture
def body(offering, grant):
    return {
        "name": "Model A",
        "category": "GPU_TRAIN",
        "accelerators": [offering.accelerator.code],
        "count": 2,
        "hours": 3,
        "start_min": START.isoformat(),
        "start_max": (START + 2 * HOUR).isoformat(),
        "limit_micro": 2_000_000,
        "grant": str(grant.pk),
    }


def post(api, path, body=None, *, key=None):
    text = json.dumps(body)
    return api.post(path, text, content_type="application/json", headers={"Idempotency-Key": key or str(uuid4())})


def assert_problem(answer, status, code):
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    document = answer.json()
    assert (document["status"], document["code"], document["type"]) == (status, code, f"urn:suanyi:problem:{code}")
    assert document["detail"]
    return document


def test_an_order_is_placed_with_its_money(api, body):
    answer = post(api, ORDERS, body)

    assert answer.status_code == 201
    order = Order.objects.get()
    assert answer.json() | {"providers": []} == {
        "id": str(order.pk),
        "kind": "instant",
        "name": "Model A",
        "status": "open",
        "category": "GPU_TRAIN",
        "accelerators": ["card"],
        "providers": [],
        "refused": [],
        "count": 2,
        "tflops": None,
        "precision": "",
        "conditions": None,
        "hours": 3,
        "start_min": "2026-10-01T11:00:00+08:00",
        "start_max": "2026-10-01T13:00:00+08:00",
        "limit_micro": 2_000_000,
        "time_in_force": "window",
        "good_till": None,
        "placed_at": "2026-10-01T10:00:00+08:00",
        "cancelled_at": None,
        "unmatched_reason": "",
        "unmatched_detail": {},
        "split": None,
        "beside": None,
        "reservation": None,
        "parts": [],
    }
    funding = scenes.funding(order)
    assert (funding.voucher_fen, funding.wallet_fen) == (600, 600)


def test_the_same_key_places_one_order_and_gets_the_same_bytes(api, body):
    first = post(api, ORDERS, body, key="k")
    again = post(api, ORDERS, body, key="k")

    assert (again.status_code, again.content) == (201, first.content)
    assert (first.headers.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert Order.objects.count() == 1


def test_the_same_key_for_another_order_is_refused(api, body):
    post(api, ORDERS, body, key="k")

    answer = post(api, ORDERS, body | {"count": 3}, key="k")

    assert_problem(answer, 422, "idempotency-key-reused")
    assert Order.objects.get().count == 2


def test_a_refusal_is_repeated_too(api, body):
    first = post(api, ORDERS, body | {"count": 0}, key="k")
    again = post(api, ORDERS, body | {"count": 0}, key="k")

    assert (again.status_code, again.content) == (400, first.content)
    assert again["Content-Type"] == "application/problem+json"
    assert again["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_an_order_without_a_key_is_refused(api, body, key):
    answer = api.post(ORDERS, body, format="json", headers={"Idempotency-Key": key})

    assert_problem(answer, 400, "idempotency-key-missing")
    assert not Order.objects.exists()


PAST = (AT - 5 * HOUR).isoformat()
BAD = {
    "unknown model": ({"accelerators": ["none-such"]}, 422, "unknown-model"),
    "no model": ({"accelerators": []}, 422, "unknown-model"),
    "zero cards": ({"count": 0}, 400, "invalid"),
    "negative cards": ({"count": -1}, 400, "invalid"),
    "cards beyond reason": ({"count": 10**30}, 400, "invalid"),
    "cards as text": ({"count": "two"}, 400, "invalid"),
    "zero hours": ({"hours": 0}, 400, "invalid"),
    "negative hours": ({"hours": -5}, 400, "invalid"),
    "a window in the past": ({"start_min": PAST, "start_max": PAST}, 422, "bad-window"),
    "a reversed window": ({"start_max": AT.isoformat()}, 422, "bad-window"),
    "a window at the end of time": ({"start_max": "9999-12-31T23:59:59Z"}, 400, "invalid"),
    "a window at the beginning of time": ({"start_min": "0001-01-01T00:00:00Z"}, 400, "invalid"),
    "a window of words": ({"start_min": "tomorrow"}, 400, "invalid"),
    "a limit below every price": ({"limit_micro": 1_999_999}, 422, "limit-below-every-price"),
    "no limit": ({"limit_micro": None}, 400, "invalid"),
    "a limit of nothing": ({"limit_micro": 0}, 400, "invalid"),
    "an unknown category": ({"category": "GAMES"}, 400, "invalid"),
    "an unknown provider": ({"providers": [str(uuid4())]}, 404, "not-found"),
    "a provider that is no id": ({"providers": ["x"]}, 400, "invalid"),
    "an unknown voucher": ({"grant": str(uuid4())}, 404, "not-found"),
    "a time in force without its time": ({"time_in_force": "good-till-time"}, 422, "bad-time-in-force"),
    "an unknown time in force": ({"time_in_force": "for-ever"}, 400, "invalid"),
    "an unknown field": ({"price": 1}, 400, "invalid"),
    "a name with a control character": ({"name": "a\x00b"}, 400, "invalid"),
    "a name with half a character": ({"name": "\ud800"}, 400, "invalid"),
    "a name that is too long": ({"name": "x" * 121}, 400, "invalid"),
}


@pytest.mark.parametrize(("change", "status", "code"), BAD.values(), ids=BAD)
def test_a_bad_order_is_refused_and_changes_nothing(api, body, change, status, code):
    before = scenes.rows()

    answer = post(api, ORDERS, body | change)

    assert_problem(answer, status, code)
    assert scenes.rows() | {"accounts_apikey": before["accounts_apikey"]} == before


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"count": NaN}', b"[" * 5_000])
def test_malformed_json_is_refused_and_changes_nothing(api, offering, raw):
    before = scenes.rows()

    answer = api.post(ORDERS, raw, content_type="application/json", headers={"Idempotency-Key": "k"})

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert scenes.rows() | {"accounts_apikey": before["accounts_apikey"]} == before


def test_ten_megabytes_are_refused_and_change_nothing(api, offering):
    before = scenes.rows()

    answer = api.post(ORDERS, b"x" * 10_000_000, content_type="application/json", headers={"Idempotency-Key": "k"})

    assert_problem(answer, 413, "too-large")
    assert scenes.rows() | {"accounts_apikey": before["accounts_apikey"]} == before


def test_another_media_type_is_refused(api, offering):
    answer = api.post(ORDERS, b"a=1", content_type="text/plain", headers={"Idempotency-Key": "k"})

    assert_problem(answer, 415, "unsupported-media-type")


def test_another_firms_voucher_looks_like_none(api, body, programme):
    foreign = scenes.grant(scenes.funded_buyer(), programme)
    before = scenes.rows()

    answer = post(api, ORDERS, body | {"grant": str(foreign.pk)})

    assert_problem(answer, 404, "not-found")
    assert scenes.rows() | {"accounts_apikey": before["accounts_apikey"]} == before


def test_a_wallet_that_is_too_low_says_what_is_missing(client_of, body):
    poor = scenes.funded_buyer(0)

    answer = post(client_of(poor), ORDERS, body | {"grant": None})

    document = assert_problem(answer, 409, "wallet-too-low")
    assert (document["available_fen"], document["needed_fen"]) == (0, 1_200)
    assert not Order.objects.exists()


def test_a_limit_that_is_too_low_says_the_lowest_price(api, body):
    document = post(api, ORDERS, body | {"limit_micro": 1}).json()

    assert document["lowest_ask_micro"] == 2_000_000
    assert [error["pointer"] for error in document["errors"]] == ["/limit_micro"]


def test_providers_and_vouchers_may_be_left_out(api, body, provider):
    del body["grant"], body["name"]

    answer = post(api, ORDERS, body | {"providers": [str(provider.pk)]})

    assert answer.json()["providers"] == [str(provider.pk)]
    assert scenes.funding(Order.objects.get()).voucher_fen == 0


def test_a_quote_explains_the_voucher_and_has_no_effect(api, body):
    before = scenes.rows()

    answer = api.post(f"{ORDERS}/quote", body, format="json")

    quoted = answer.json()
    assert (answer.status_code, quoted["estimate_fen"], quoted["voucher_fen"], quoted["wallet_fen"]) == (
        200,
        1200,
        600,
        600,
    )
    assert quoted["explanation"]["steps"][-1]["code"] == "AWARD"
    assert scenes.rows() | {"accounts_apikey": before["accounts_apikey"]} == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [({}, "count"), ({"count": 2, "tflops": 100, "precision": "fp16"}, "count"), ({"tflops": 100}, "precision")],
)
def test_a_quote_for_nothing_is_refused_as_the_order_is(api, body, changes, field):
    del body["count"]

    for answer in (api.post(f"{ORDERS}/quote", body | changes, format="json"), post(api, ORDERS, body | changes)):
        document = assert_problem(answer, 422, "bad-count")
        assert [error["pointer"] for error in document["errors"]] == [f"/{field}"]


def test_a_quote_without_a_voucher_explains_nothing(api, body):
    assert api.post(f"{ORDERS}/quote", body | {"grant": None}, format="json").json()["explanation"] is None


def test_an_order_is_read_by_its_buyer_and_its_provider_alone(api, client_of, buyer, provider, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    address = f"{ORDERS}/{reservation.order_id}"

    assert api.get(address).json()["reservation"]["id"] == str(reservation.pk)
    assert client_of(provider).get(address).status_code == 200
    stranger = client_of(scenes.funded_buyer(0))
    assert_problem(stranger.get(address), 404, "not-found")
    assert stranger.get(ORDERS).json()["data"] == []
    assert [one["id"] for one in api.get(ORDERS, {"status": "matched"}).json()["data"]] == [str(reservation.order_id)]


def test_cancelling_gives_back_what_was_set_aside(api, body):
    placed = post(api, ORDERS, body).json()

    answer = post(api, f"{ORDERS}/{placed['id']}/cancel", {}, key="c")
    again = post(api, f"{ORDERS}/{placed['id']}/cancel", {}, key="c")

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert again.content == answer.content
    assert Funding.objects.get().status == FundingStatus.CLOSED


def test_an_order_that_is_over_is_not_cancelled(api, body):
    placed = post(api, ORDERS, body).json()
    post(api, f"{ORDERS}/{placed['id']}/cancel")

    assert_problem(post(api, f"{ORDERS}/{placed['id']}/cancel"), 409, "illegal-move")


def test_an_order_whose_id_is_none_is_not_found(api):
    assert_problem(post(api, f"{ORDERS}/x/cancel"), 404, "not-found")


@pytest.mark.parametrize("whose", ["nobody's", "a stranger's", "its provider's"])
def test_only_the_buyer_cancels(api, client_of, buyer, provider, offering, whose):
    order = scenes.place(buyer, offering)
    client = {
        "nobody's": api,
        "a stranger's": client_of(scenes.funded_buyer(0)),
        "its provider's": client_of(provider),
    }[whose]
    order_id = uuid4() if whose == "nobody's" else order.pk

    assert_problem(post(client, f"{ORDERS}/{order_id}/cancel"), 404, "not-found")

    order.refresh_from_db()
    assert order.status == OrderStatus.OPEN


def test_without_a_key_nothing_is_told(client, offering):
    for answer in (client.get(ORDERS), client.post(ORDERS, b"{}", content_type="application/json")):
        assert_problem(answer, 401, "not-authenticated")
        assert answer["WWW-Authenticate"] == 'Bearer realm="suanyi"'


def test_a_wrong_key_is_refused(api):
    api.credentials(HTTP_AUTHORIZATION="Bearer sy_nobody_knows")

    assert_problem(api.get(ORDERS), 401, "bad-api-key")


def test_another_scheme_is_no_key(api):
    api.credentials(HTTP_AUTHORIZATION="Basic eDp5")

    assert_problem(api.get(ORDERS), 401, "not-authenticated")


def test_a_key_without_the_scope_is_refused(client_of, buyer, body):
    reader = client_of(buyer, ["read"])

    assert_problem(post(reader, ORDERS, body), 403, "permission-denied")
    assert_problem(client_of(buyer, ["orders"]).get(ORDERS), 403, "permission-denied")
    assert not Order.objects.exists()
    assert not IdempotentRequest.objects.exists()


def test_a_provider_places_no_orders(client_of, provider, body):
    answer = post(client_of(provider), ORDERS, body | {"grant": None})

    assert_problem(answer, 403, "not-a-buyer")
    assert not Order.objects.exists()


def test_pages_of_orders_follow_each_other(api, buyer, offering):
    placed = [str(scenes.place(buyer, offering).pk) for _ in range(3)]

    first = api.get(ORDERS, {"limit": 2}).json()
    second = api.get(ORDERS, {"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [one["id"] for one in first["data"] + second["data"]] == placed[::-1]
    assert_problem(api.get(ORDERS, {"cursor": "x"}), 400, "bad-cursor")
    assert markets.AT == AT
