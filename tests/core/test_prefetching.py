"""Related rows come in the order of their keys."""

import pytest

from core.prefetching import in_order
from market.models import Order
from tests.market import scenes


@pytest.mark.django_db
def test_related_rows_come_in_the_order_of_their_keys_however_they_lie():
    first, second, third = (scenes.accelerator() for _ in range(3))
    scenes.listed(scenes.provider(), third)
    order = scenes.order(scenes.buyer(), third)
    order.accelerators.add(first, second)

    read = Order.objects.prefetch_related(*in_order(Order, "accelerators")).get(pk=order.pk)

    assert list(read.accelerators.all()) == [first, second, third]
