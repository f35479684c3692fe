"""Reporting usage over HTTP."""

import json
from datetime import timedelta

import pytest
import time_machine

from core.periods import HOUR, SHANGHAI
from market.models import MeteredHour, ReservationStatus, Usage, UsageBatch, UsageConflict
from tests.market import scenes
from tests.market.agents import Agent, Machine, event
from tests.market.scenes import AT, hours

NOW = AT + timedelta(minutes=30)
START = AT - hours(6)
FACTS = (Usage, UsageBatch, UsageConflict, MeteredHour)


@pytest.fixture(autouse=True)
def _half_past():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def reservation(buyer, offering):
    return scenes.past_reservation(buyer, offering, starts_at=START, length=12, cards=4)


@pytest.fixture
def agent(provider):
    return Agent(provider)


def statuses(response):
    assert response.status_code == 200, response.content
    return [(one["status"], one.get("code", "")) for one in response.json()["results"]]


def nothing_was_written():
    return not any(model.objects.exists() for model in FACTS)


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["detail"]
    return response.status_code, document["code"]


def test_a_report_is_answered_event_by_event(agent, reservation):
    good = event(reservation, START, START + HOUR)
    late = event(reservation, START + hours(2), START + hours(3), subject=f"order/{reservation.order_id}")
    wrong = event(reservation, START, START + HOUR, accelerators=5)

    response = agent.report(good, late, wrong, key="first")

    batch, reply = UsageBatch.objects.get(), dict(response.json())
    assert reply.pop("results")[0] == {"id": good["id"], "status": "accepted"}
    assert reply == {"batch": batch.pk, "accepted": 2, "duplicates": 0, "conflicts": 0, "rejected": 1}
    assert statuses(response) == [("accepted", ""), ("accepted", ""), ("rejected", "over-capacity")]
    assert response.json()["results"][2]["detail"] == "More than the 4 reserved cards would be in use at once."
    usage = Usage.objects.get(event_id=good["id"])
    assert (usage.batch, usage.provider, usage.reservation) == (batch, agent.organization, reservation)
    assert (usage.starts_at, usage.ends_at) == (START, START + HOUR)
    assert (usage.accelerators, usage.accelerator_ms) == (4, 4 * 3_600_000)
    hours_ = MeteredHour.objects.order_by("hour").values_list("hour", "dirty", "version", "accelerator_ms")
    assert list(hours_) == [(START, True, 0, 0), (START + hours(2), True, 0, 0)]


def test_a_report_is_kept_with_its_signature(agent, reservation):
    agent.report(event(reservation, START, START + HOUR), key="first")

    batch = UsageBatch.objects.get()
    assert (batch.provider, batch.idempotency_key, batch.signing_key) == (
        agent.organization,
        "first",
        agent.signing_key,
    )
    assert (batch.received_at, batch.signed_at, len(bytes(batch.signature))) == (NOW, NOW, 64)
    assert (batch.accepted, batch.duplicates, batch.conflicts, batch.rejected) == (1, 0, 0, 0)


def test_a_report_that_is_sent_again_gets_the_same_answer(agent, reservation):
    good = event(reservation, START, START + HOUR)
    wrong = event(reservation, START, START + HOUR, accelerators=5)
    body = json.dumps([good, wrong, good, good | {"source": "/elsewhere"}, {"id": "half"}]).encode()
    first = agent.send(body, key="again")

    second = agent.send(body, key="again")

    assert statuses(first) == [
        ("accepted", ""),
        ("rejected", "over-capacity"),
        ("duplicate", ""),
        ("conflict", ""),
        ("rejected", "invalid-event"),
    ]
    assert second.content == first.content
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert Usage.objects.count() == UsageBatch.objects.count() == 1


def test_a_key_stands_for_one_body(agent, reservation):
    agent.report(event(reservation, START, START + HOUR), key="again")

    response = agent.report(event(reservation, START, START + HOUR), key="again")

    assert problem(response) == (422, "idempotency-key-reused")
    assert Usage.objects.count() == UsageBatch.objects.count() == 1


def test_keys_of_two_providers_have_nothing_to_do_with_each_other(agent, reservation, buyer, card):
    other = Agent(scenes.provider())
    theirs = scenes.past_reservation(buyer, scenes.listed(other.organization, card), starts_at=START)
    agent.report(event(reservation, START, START + HOUR, id="same"), key="same")

    response = other.report(event(theirs, START, START + HOUR, id="same"), key="same")

    assert statuses(response) == [("accepted", "")]


def test_an_event_that_comes_again_in_another_report_is_a_duplicate(agent, reservation):
    first = event(reservation, START, START + HOUR)
    agent.report(first)

    response = agent.report(first | {"time": NOW.isoformat()}, event(reservation, START + HOUR, START + hours(2)))

    assert statuses(response) == [("duplicate", ""), ("accepted", "")]
    assert Usage.objects.count() == 2


def test_an_event_that_says_something_else_under_a_used_id_is_frozen(agent, reservation):
    agent.report(event(reservation, START, START + HOUR, id="u1"))
    other = event(reservation, START, START + HOUR, id="u1", accelerators=3)

    response = agent.report(other)

    assert statuses(response) == [("conflict", "")]
    assert Usage.objects.get().accelerators == 4
    frozen = UsageConflict.objects.get()
    assert (frozen.event_id, frozen.event["data"]["accelerators"]) == ("u1", 3)


def test_ids_that_come_twice_in_one_report_count_once(agent, reservation):
    first = event(reservation, START, START + HOUR, id="u1", accelerators=2)
    same = first | {"time": NOW.isoformat()}
    other = event(reservation, START, START + HOUR, id="u1", accelerators=1)

    response = agent.report(first, same, other)

    assert statuses(response) == [("accepted", ""), ("duplicate", ""), ("conflict", "")]
    assert Usage.objects.get().accelerators == 2


def test_a_refused_event_that_comes_twice_is_refused_twice(agent, reservation):
    agent.report(event(reservation, START, START + HOUR))
    over = event(reservation, START, START + HOUR, accelerators=1)

    response = agent.report(over, over)

    assert statuses(response) == [("rejected", "over-capacity")] * 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": "reservation/0192f5c4-7f3c-7abc-8def-0123456789ab"}, "unknown-reservation"),
        ({"subject": "reservation/17"}, "unknown-reservation"),
        ({"subject": "invoice/0192f5c4-7f3c-7abc-8def-0123456789ab"}, "unknown-reservation"),
        ({"accelerator_ms": 1}, "wrong-amount"),
        ({"accelerators": 5}, "over-capacity"),
        ({"accelerators": 0, "accelerator_ms": 1}, "invalid-event"),
        ({"accelerators": -4}, "invalid-event"),
        ({"accelerators": 1.5, "accelerator_ms": 1}, "invalid-event"),
        ({"accelerator_ms": -1}, "invalid-event"),
        ({"start": "2026-10-01T00:00:00"}, "invalid-event"),
        ({"start": "yesterday"}, "invalid-event"),
        ({"start": "0001-01-01T00:00:00+23:59"}, "too-late"),
        ({"end": "9999-12-31T23:59:59-23:59"}, "in-the-future"),
        ({"type": "compute.usage.interval.v2"}, "invalid-event"),
        ({"specversion": "0.3"}, "invalid-event"),
        ({"id": ""}, "invalid-event"),
        ({"id": 7}, "invalid-event"),
        ({"id": "x" * 121}, "invalid-event"),
        ({"colour": "red"}, "invalid-event"),
        ({"fan_speed": 3}, "invalid-event"),
    ],
)
def test_a_wrong_event_is_refused_by_itself(agent, reservation, changes, code):
    response = agent.report(event(reservation, START, START + HOUR, **changes))

    assert statuses(response) == [("rejected", code)]
    assert response.json()["results"][0]["detail"]
    assert not Usage.objects.exists()
    assert not MeteredHour.objects.exists()


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (-1, 0, "outside-reservation"),
        (12, 13, "in-the-future"),
        (0, 0, "empty-interval"),
        (1, 0, "empty-interval"),
        (0, 1.25, "crosses-hour"),
        (0.5, 1.5, "crosses-hour"),
        (0, 48, "in-the-future"),
        (6, 6.6, "in-the-future"),
    ],
)
def test_an_interval_must_lie_in_an_hour_of_its_reservation_that_is_over(agent, reservation, start, end, code):
    first, last = START + hours(start), START + hours(end)

    response = agent.report(event(reservation, first, last, accelerator_ms=max(1, int((end - start) * 14_400_000))))

    assert statuses(response) == [("rejected", code)]
    assert not Usage.objects.exists()


def test_an_event_longer_than_its_reservation_is_refused(agent, buyer, offering):
    short = scenes.past_reservation(buyer, offering, starts_at=START, length=2)

    response = agent.report(
        event(short, START + HOUR, START + hours(2)), event(short, START + hours(2), START + hours(3))
    )

    assert statuses(response) == [("accepted", ""), ("rejected", "outside-reservation")]


def test_a_clock_that_is_two_minutes_fast_is_tolerated(agent, reservation):
    end = NOW + timedelta(seconds=120)

    response = agent.report(
        event(reservation, AT, end), event(reservation, AT, end + timedelta(milliseconds=1), id="too fast")
    )

    assert statuses(response) == [("accepted", ""), ("rejected", "in-the-future")]


def test_usage_can_be_reported_for_five_weeks(agent, buyer, offering):
    begin = AT - timedelta(days=36)
    old = scenes.past_reservation(buyer, offering, starts_at=begin, length=48, status=ReservationStatus.ENDED)
    edge = NOW - timedelta(days=35)

    response = agent.report(
        event(old, edge, edge + HOUR / 2), event(old, edge - HOUR / 4, edge, id="a quarter of an hour too old")
    )

    assert statuses(response) == [("accepted", ""), ("rejected", "too-late")]


def test_any_offset_from_utc_is_understood(agent, reservation):
    start = START.astimezone(SHANGHAI)

    response = agent.report(event(reservation, start, start + HOUR))

    assert statuses(response) == [("accepted", "")]
    assert Usage.objects.get().starts_at == START


def test_optional_fields_are_taken(agent, reservation):
    response = agent.report(
        event(
            reservation,
            START,
            START + HOUR,
            datacontenttype="application/json",
            job={"id": "8123", "attempt": "2026-11-21T13:58:02Z"},
            devices=["GPU-604a"],
            final=True,
            evidence={"util_avg_pct": "87.2", "samples": 60},
        )
    )

    assert statuses(response) == [("accepted", "")]


def test_a_foreign_reservation_looks_like_an_unknown_one(reservation, card):
    stranger = Agent(scenes.provider())

    response = stranger.report(event(reservation, START, START + HOUR))

    assert statuses(response) == [("rejected", "unknown-reservation")]
    assert not Usage.objects.exists()


@pytest.mark.parametrize(
    ("status", "start", "answer"),
    [
        (ReservationStatus.HELD, START, ("accepted", "")),
        (ReservationStatus.ACTIVE, START, ("accepted", "")),
        (ReservationStatus.ENDED, START, ("accepted", "")),
        (ReservationStatus.RELEASED, START, ("rejected", "unknown-reservation")),
        (ReservationStatus.HELD, AT + HOUR, ("rejected", "unknown-reservation")),
    ],
)
def test_only_a_reservation_that_has_started_is_reported_on(agent, buyer, offering, status, start, answer):
    reservation = scenes.past_reservation(buyer, offering, starts_at=start, status=status)

    response = agent.report(event(reservation, start, start + HOUR))

    assert statuses(response) == [answer]


def test_cards_in_use_at_once_never_exceed_the_reservation(agent, reservation):
    first = event(reservation, START, START + HOUR / 2, accelerators=3)
    beside = event(reservation, START + HOUR / 4, START + HOUR, accelerators=1)
    agent.report(first, beside)

    response = agent.report(
        event(reservation, START + HOUR / 4, START + HOUR / 2, accelerators=1),
        event(reservation, START + HOUR / 2, START + HOUR, accelerators=3),
        event(reservation, START + HOUR / 2, START + HOUR, accelerators=1),
    )

    assert statuses(response) == [("rejected", "over-capacity"), ("accepted", ""), ("rejected", "over-capacity")]


def test_overlapping_events_of_one_report_are_taken_in_turn(agent, reservation):
    response = agent.report(
        *(event(reservation, START, START + HOUR, accelerators=cards) for cards in (3, 2, 1, 1)),
    )

    assert statuses(response) == [
        ("accepted", ""),
        ("rejected", "over-capacity"),
        ("accepted", ""),
        ("rejected", "over-capacity"),
    ]


def test_an_event_that_came_before_is_not_counted_against_itself(agent, reservation):
    events = [event(reservation, START + HOUR / 4 * i, START + HOUR / 4 * (i + 1)) for i in range(4)]
    agent.report(*events)

    response = agent.report(*events[::-1])

    assert statuses(response) == [("duplicate", "")] * 4


def test_events_that_come_late_and_in_any_order_are_taken(agent, reservation):
    quarters = [event(reservation, START + HOUR / 4 * i, START + HOUR / 4 * (i + 1)) for i in range(4)]
    agent.report(quarters[3], quarters[1])

    response = agent.report(quarters[0], quarters[2])

    assert statuses(response) == [("accepted", "")] * 2
    assert Usage.objects.count() == 4


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b" ", 400, "malformed-json"),
        (b"[{", 400, "malformed-json"),
        (b"\xff", 400, "malformed-json"),
        (b"[" * 100_000, 400, "malformed-json"),
        (b'[{"id": "a\\u0000"}]', 400, "malformed-json"),
        (b"{}", 422, "not-a-batch"),
        (b"[]", 422, "not-a-batch"),
        (b"null", 422, "not-a-batch"),
        (json.dumps([{}] * 1001).encode(), 413, "too-many-events"),
    ],
)
def test_a_body_that_is_no_batch_changes_nothing(agent, reservation, body, status, code):
    response = agent.send(body)

    assert problem(response) == (status, code)
    assert nothing_was_written()


def test_ten_megabytes_are_refused_before_they_are_read_as_json(agent):
    response = agent.send(b"[" + b" " * 10_000_000 + b"]")

    assert problem(response) == (413, "report-too-large")
    assert nothing_was_written()


def test_a_body_of_another_kind_is_refused(agent):
    response = agent.send(b"[]", media_type="text/csv")

    assert problem(response) == (415, "unsupported-media-type")
    assert nothing_was_written()


def test_plain_json_is_taken_too(agent, reservation):
    body = json.dumps([event(reservation, START, START + HOUR)]).encode()

    response = agent.send(body, media_type="application/json; charset=utf-8")

    assert statuses(response) == [("accepted", "")]


def test_a_wrong_signature_changes_nothing(agent, reservation):
    body = json.dumps([event(reservation, START, START + HOUR)]).encode()
    signature = agent.sign(body + b" ", "key", NOW)

    response = agent.send(body, key="key", signature=signature)

    assert problem(response) == (401, "bad-signature")
    assert nothing_was_written()


def test_a_signature_is_bound_to_its_key(agent, reservation):
    body = json.dumps([event(reservation, START, START + HOUR)]).encode()

    response = agent.send(body, key="other", signature=agent.sign(body, "key", NOW))

    assert problem(response) == (401, "bad-signature")
    assert nothing_was_written()


@pytest.mark.parametrize("age", [-301, 301])
def test_a_signature_of_another_time_is_refused(agent, reservation, age):
    response = agent.report(event(reservation, START, START + HOUR), at=NOW - timedelta(seconds=age))

    assert problem(response) == (401, "bad-signature")
    assert nothing_was_written()


def test_an_old_report_cannot_be_replayed(agent, reservation):
    body = json.dumps([event(reservation, START, START + HOUR)]).encode()
    signature = agent.sign(body, "key", NOW)
    agent.send(body, key="key", signature=signature)

    with time_machine.travel(NOW + timedelta(seconds=301), tick=False):
        response = agent.send(body, key="key", signature=signature)

    assert problem(response) == (401, "bad-signature")
    assert UsageBatch.objects.count() == 1


def test_a_foreign_signing_key_is_not_known(agent, reservation):
    stranger = Agent(scenes.provider())
    body = json.dumps([event(reservation, START, START + HOUR)]).encode()

    response = agent.send(body, key="key", signature=stranger.sign(body, "key", NOW))

    assert problem(response) == (401, "bad-signature")
    assert nothing_was_written()


def test_a_report_needs_an_idempotency_key(agent, reservation):
    response = agent.client.post("/api/v1/usage/batches", b"[]", content_type="application/json")

    assert problem(response) == (400, "idempotency-key-missing")
    assert nothing_was_written()


def test_a_report_needs_a_key_with_the_scope(provider, reservation):
    response = Agent(provider, scopes=["read"]).report(event(reservation, START, START + HOUR))

    assert problem(response) == (403, "permission-denied")
    assert nothing_was_written()


def test_a_buyer_reports_nothing(buyer, reservation):
    response = Agent(buyer).report(event(reservation, START, START + HOUR))

    assert problem(response) == (403, "permission-denied")
    assert nothing_was_written()


def test_a_report_needs_a_bearer_key(agent, reservation):
    agent.client.defaults.pop("HTTP_AUTHORIZATION", None)
    agent.client.headers = {}

    response = agent.client.post("/api/v1/usage/batches", b"[]", content_type="application/json")

    assert problem(response)[0] == 401
    assert nothing_was_written()


def test_a_provider_lists_its_own_reports(agent, reservation):
    agent.report(event(reservation, START, START + HOUR), key="first")
    agent.report(event(reservation, START, START + HOUR), key="second")
    Agent(scenes.provider()).report(event(reservation, START, START + HOUR), key="third")

    page = agent.get("usage/batches").json()

    assert [(one["idempotency_key"], one["accepted"], one["rejected"]) for one in page["data"]] == [
        ("second", 0, 1),
        ("first", 1, 0),
    ]


def test_a_buyer_lists_no_reports(buyer):
    assert Machine(buyer).get("usage/batches").status_code == 403
