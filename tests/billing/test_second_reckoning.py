"""Lives of orders, blocks and small markets, each reckoned twice: by our services, and from the documents alone."""

import pytest
from django.db import transaction

from billing.services.refusals import WalletTooLow
from tests.billing.lives import BlockLife, Life
from tests.billing.market_lives import MarketLife

SEEDS = {Life: range(6), BlockLife: range(2), MarketLife: range(3)}


@pytest.mark.parametrize(("life", "acts"), [(Life, 22), (BlockLife, 12), (MarketLife, 18)])
def test_whatever_is_done_to_an_order_it_costs_what_the_documents_say(db, life, acts):
    lived = 0
    for seed in SEEDS[life]:
        with transaction.atomic():
            try:
                life(seed).live(acts)
                lived += 1
            except WalletTooLow:  # too poor to place it
                lived += 0
            except AssertionError as error:
                error.add_note(f"seed {seed}")
                raise
            transaction.set_rollback(True)
    assert lived > len(SEEDS[life]) // 2
