"""The page of prices, for everyone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.periods import HOUR
from market.services import candles, indices, tape
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World

YESTERDAY = worlds.NOW - timedelta(days=1)


def page(**query: str):
    return Client().get(reverse("portal:prices"), query, headers={"accept-language": "en"})


@pytest.fixture
def traded(world: World) -> World:
    """Three trades yesterday, too few for an index."""
    for cards in (1, 2, 3):
        scenes.past_reservation(world.buyer, world.offering, starts_at=YESTERDAY + HOUR, cards=cards, status="held")
    for service in (tape.record, candles.close, indices.publish):
        service(at=worlds.NOW)
    return world


def test_without_anything_on_sale_there_are_no_prices(db: None) -> None:
    assert "there are no prices" in page().content.decode()


def test_prices_show_history_depth_and_trades_in_few_queries(traded: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        answer = page()

    text = answer.content.decode()
    context = answer.context
    assert len(queries) <= 15
    assert [mark.candle.trades for mark in context["marks"] if mark.candle] == [3]
    assert [(bar.step.card_hours, bar.width) for bar in context["supply"]] == [(64 * 24 * 7 - 6, 1000)]
    assert len(context["trades"]) == 3
    assert "Too few trades to publish" in text
    assert "Too few orders to publish" in text
    assert traded.buyer.name not in text
    assert traded.provider.name not in text


def test_prices_take_few_queries_for_who_is_signed_in_as_well(traded: World, sign_in: SignIn) -> None:
    client = sign_in("buyer")
    client.get(reverse("portal:prices"))

    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("portal:prices"))

    assert len(queries) <= 15


def test_who_asks_for_no_class_sees_where_most_was_traded(traded: World) -> None:
    quiet = scenes.listed(traded.provider, scenes.accelerator("Aardvark"))

    context = page().context

    assert (context["of"].accelerator, context["of"].category) == (
        traded.offering.accelerator,
        traded.offering.category,
    )
    assert context["form"]["of"].value() == f"{traded.offering.accelerator.code}/{traded.offering.category}"
    assert page(of=f"{quiet.accelerator.code}/{quiet.category}").context["of"].accelerator == quiet.accelerator


def test_the_history_is_exported_as_csv(traded: World) -> None:
    answer = Client().get(reverse("portal:prices-csv"), headers={"accept-language": "en"})

    _header, row = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()

    assert row == "2026-10-19,1,3,144,2.20,2.20,2.20,2.20,2.20"


@pytest.mark.parametrize("query", [{"of": "nonsense"}, {"hub": "nowhere"}, {"of": "\x00", "hub": "-"}])
def test_nonsense_in_the_address_shows_the_first_class(traded: World, query: dict[str, str]) -> None:
    assert page(**query).status_code == 200
