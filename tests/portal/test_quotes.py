"""The pages on which a buyer holds cards for a while, and accepts them or gives them back."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.periods import HOUR, SHANGHAI
from market.models import CalendarHour, Order, Quote, QuoteStatus
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_lists import MOST_QUERIES
from tests.portal.world import World


def hold(client: Client, world: World, *, page: str = "", **changes: Any) -> Any:
    """Fill in the form of an order, and press another button than its first."""
    start = (worlds.NOW + HOUR).astimezone(SHANGHAI)
    fields = {
        "name": "微调",
        "category": world.offering.category,
        "accelerators": [str(world.card.pk)],
        "count": "2",
        "hours": "3",
        "start_min": f"{start:%Y-%m-%dT%H:00}",
        "start_max": f"{start + 5 * HOUR:%Y-%m-%dT%H:00}",
        "limit": "9",
    }
    pressed = {} if "buy" in changes else {"hold": "1"}
    return client.post(page or reverse("portal:order-new"), fields | pressed | changes, follow=True)


@pytest.fixture
def quote(world: World, sign_in: SignIn) -> Quote:
    answer = hold(sign_in("trader"), world)
    assert answer.redirect_chain, answer.content.decode()
    return Quote.objects.get()


def test_a_buyer_holds_cards_and_accepts_them_with_a_voucher(world: World, sign_in: SignIn, quote: Quote) -> None:
    client = sign_in("trader")
    assert "微调" in client.get(reverse("portal:orders")).content.decode()

    line = worlds.sell_storage(world, at=worlds.NOW)
    wish = {"grant": str(world.grant.pk), f"line_{line.pk}": "1000"}
    answer = client.post(reverse("portal:quote-accept", args=[quote.pk]), wish, follow=True)

    order = Order.objects.get()
    assert order.reservation.taken_lines.get().estimate_fen == 3 * 50
    assert answer.redirect_chain[-1][0] == reverse("portal:order", args=[order.pk])
    assert (order.status, order.match.quote, order.funding.voucher_fen > 0) == ("matched", quote, True)
    assert (
        reverse("portal:order", args=[order.pk])
        in client.get(reverse("portal:quote", args=[quote.pk])).content.decode()
    )
    again = client.post(reverse("portal:quote-accept", args=[quote.pk]))
    assert again.context["form"].non_field_errors()


def test_cards_are_given_back(world: World, sign_in: SignIn, quote: Quote) -> None:
    sign_in("trader").post(reverse("portal:quote-withdraw", args=[quote.pk]))

    assert Quote.objects.get().status == QuoteStatus.WITHDRAWN
    assert set(CalendarHour.objects.values_list("reserved", flat=True)) == {0}


def test_who_may_not_order_sees_the_quote_without_its_buttons(world: World, sign_in: SignIn, quote: Quote) -> None:
    viewer, seller = sign_in("viewer"), sign_in("seller")
    page = reverse("portal:quote", args=[quote.pk])

    answer = viewer.get(page)

    assert answer.status_code == 200
    assert reverse("portal:quote-accept", args=[quote.pk]) not in answer.content.decode()
    assert viewer.post(reverse("portal:quote-accept", args=[quote.pk])).status_code == 403
    assert seller.get(page).status_code in (403, 404)
    assert not Order.objects.exists()


def test_a_page_of_a_quote_that_is_over_says_so(world: World, sign_in: SignIn, quote: Quote, settings: Any) -> None:
    Path(settings.REHEARSAL_CLOCK).write_text((worlds.NOW + timedelta(hours=2)).isoformat(), encoding="ascii")
    client = sign_in("trader")

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(reverse("portal:quote", args=[quote.pk]))

    assert answer.context["stands"] is False
    assert len(queries) <= MOST_QUERIES
    assert "quotes" in (listed := client.get(reverse("portal:orders"))).context
    assert not listed.context["quotes"]


def test_what_cannot_be_quoted_is_said_on_the_form(world: World, sign_in: SignIn) -> None:
    answer = hold(sign_in("trader"), world, count="9000")

    assert answer.context["form"].non_field_errors()
    assert not Quote.objects.exists()


def test_a_buyer_buys_from_the_listing(world: World, sign_in: SignIn) -> None:
    scenes.listed(world.provider, world.card, site=world.site, price_micro=1_000_000)
    client = sign_in("trader")
    page = f"{reverse('portal:order-new')}?offering={world.offering.pk}"
    assert 'name="buy"' in client.get(page).content.decode()
    assert 'name="buy"' not in client.get(reverse("portal:order-new")).content.decode()

    line = worlds.sell_storage(world, at=worlds.NOW)
    storage = {f"line_{line.pk}": "1000"}
    assert hold(client, world, page=page, **storage).context["form"].non_field_errors()
    told = hold(client, world, page=page, buy="", quote="1", **storage)
    assert (told.context["lines_fen"], Order.objects.exists()) == (3 * 50, False)

    answer = hold(client, world, page=page, buy="1", **storage)

    order = Order.objects.get()
    assert order.reservation.taken_lines.get().estimate_fen == 3 * 50
    assert answer.redirect_chain[-1][0] == reverse("portal:order", args=[order.pk])
    assert (order.status, order.match.offering) == ("matched", world.offering)
