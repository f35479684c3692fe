"""The operator's registers of the market."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import AuditEntry, User
from market.models import Figure, Offering, OfferingStatus, Tariff
from market.services import awards, candles, figures, indices, matching, metering, rfqs, tape
from market.services.conditions import Conditions
from tests.market import rfqs as requests
from tests.market import scenes
from tests.market.agents import Agent, event
from tests.market.scenes import AT, SYSTEM, hours

REGISTERS = [
    "award",
    "bid",
    "accelerator",
    "calendarhour",
    "candle",
    "figure",
    "indexvalue",
    "hub",
    "match",
    "matchbatch",
    "meteredhour",
    "offering",
    "order",
    "orderconditions",
    "reservation",
    "rfq",
    "rfqquestion",
    "sealedbid",
    "site",
    "standardmeasure",
    "trade",
    "unreadablebid",
    "usage",
    "usagebatch",
    "usageconflict",
]


@pytest.fixture
def desk(db):
    user = User.objects.create_user("operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="market"))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def market(buyer, offering, card):
    """One of everything."""
    Figure.objects.create(
        accelerator=card, metric="fp16", kind="published", density="dense", value=1, source="test", dated_on=AT.date()
    )
    figures.refresh_measures(on=AT.date())
    scenes.order(buyer, card, conditions=Conditions(domestic=True))
    matching.run(at=AT)
    agent = Agent(offering.provider)
    reservation = scenes.past_reservation(buyer, offering, starts_at=AT - hours(100), length=9)
    first = event(reservation, AT - hours(99), AT - hours(98), id="u1")
    for cards in (2, 1):
        body = first | {"data": first["data"] | {"accelerators": cards, "accelerator_ms": cards * 3_600_000}}
        metering.ingest(
            provider=offering.provider,
            key=agent.signing_key,
            signature=b"",
            signed_at=AT,
            idempotency_key=str(cards),
            body=scenes.encoded(body),
            at=AT,
        )
    metering.meter(at=AT)
    _market_data_and_quotations(buyer, offering)


def _market_data_and_quotations(buyer, offering):
    for service in (tape.record, candles.close, indices.publish):
        service(at=AT + hours(48))
    rfq = requests.publish(buyer, offering)
    rfqs.ask(rfq=rfq, asker=offering.provider, text="Which network?", actor=SYSTEM, at=AT)
    requests.bid(rfq, offering)
    requests.damaged(rfq, scenes.provider())
    (bid,) = requests.opened(rfq)
    awards.place(bid=bid, at=requests.UNTIL)


def act(desk, action, row):
    answer = desk.post("/admin/market/offering/", {"action": action, "_selected_action": [str(row.pk)]}, follow=True)
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize("register", REGISTERS)
def test_a_register_is_read_and_never_written(desk, market, register, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        answer = desk.get(f"/admin/market/{register}/")

    assert answer.status_code == 200
    rows = answer.context["cl"].result_list
    assert (len(rows) > 0) == (register != "hub")
    for row in rows[:1]:
        shown = desk.get(f"/admin/market/{register}/{row.pk}/change/")
        assert shown.status_code == 200
        assert b'name="_save"' not in shown.content
    assert desk.get(f"/admin/market/{register}/add/").status_code == 403


def test_an_operator_pauses_and_archives_an_offering(desk, offering):
    assert act(desk, "pause", offering) == [f"{offering.name}: Noted."]
    assert Offering.objects.get().status == OfferingStatus.PAUSED
    assert act(desk, "pause", offering) == [f"{offering.name}: offering cannot go from Paused to Paused."]

    act(desk, "archive", offering)

    assert Offering.objects.get().status == OfferingStatus.ARCHIVED
    assert AuditEntry.objects.filter(verb="offering.archived").get().actor.username == "operator"


def test_only_who_may_change_offerings_sees_the_actions(desk, offering):
    User.objects.get(username="operator").user_permissions.set(Permission.objects.filter(codename="view_offering"))

    act_answer = desk.post("/admin/market/offering/", {"action": "pause", "_selected_action": [str(offering.pk)]})

    assert Offering.objects.get().status == OfferingStatus.LISTED
    assert act_answer.status_code in (200, 302)


def test_a_tariff_that_is_refused_is_there_again_with_what_was_typed(desk):
    typed = {"code": "sichuan", "starts_at_0": "2027-01-01", "starts_at_1": "00:00:00", "source": "文件"}
    whole = typed | {"hourly_micro": ",".join(["500000"] * 24)}
    short = typed | {"hourly_micro": "500000,600000"}

    answer = desk.post("/admin/market/tariff/add/", short)

    assert answer.status_code == 200
    assert "A tariff has a price for each of the 24 hours of a day." in answer.content.decode()
    assert answer.context["adminform"].form["hourly_micro"].value() == "500000,600000"
    assert desk.post("/admin/market/tariff/add/", whole).status_code == 302
    again = desk.post("/admin/market/tariff/add/", whole)
    assert again.status_code == 200
    assert Tariff.objects.count() == 1
