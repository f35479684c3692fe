"""Bases of models: one lock order, and moves along a table only."""

from itertools import product

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.errors import IllegalMove
from core.models import Stateful
from market.models import Offering, OfferingStatus
from tests.market import scenes

PATHS = {
    OfferingStatus.DRAFT: [],
    OfferingStatus.REVIEW: [OfferingStatus.REVIEW],
    OfferingStatus.REJECTED: [OfferingStatus.REVIEW, OfferingStatus.REJECTED],
    OfferingStatus.LISTED: [OfferingStatus.REVIEW, OfferingStatus.LISTED],
    OfferingStatus.PAUSED: [OfferingStatus.REVIEW, OfferingStatus.LISTED, OfferingStatus.PAUSED],
    OfferingStatus.ARCHIVED: [OfferingStatus.ARCHIVED],
}
STATEFUL = [model for model in apps.get_models() if issubclass(model, Stateful)]


@pytest.fixture
def offering(db):
    draft = scenes.draft(scenes.provider(), scenes.accelerator())
    draft.reviewed_at = scenes.AT
    draft.save()
    return draft


@pytest.mark.parametrize(("old", "new"), list(product(OfferingStatus, repeat=2)))
def test_every_pair_of_states_moves_if_the_table_has_it_and_else_not(offering, old, new):
    for step in PATHS[old]:
        offering.move_to(step)
    allowed = new in Offering.MOVES[old]

    if allowed:
        offering.move_to(new)
    else:
        with pytest.raises(IllegalMove):
            offering.move_to(new)

    expected = new if allowed else old
    assert offering.status == expected
    assert Offering.objects.get().status == expected


def test_a_move_sets_its_stamps(offering):
    offering.move_to(OfferingStatus.REVIEW, name="Renamed")

    assert offering.name == "Renamed"
    assert Offering.objects.get().name == "Renamed"


def test_a_stale_copy_loses(offering):
    stale = Offering.objects.get()
    offering.move_to(OfferingStatus.ARCHIVED)

    with pytest.raises(IllegalMove):
        stale.move_to(OfferingStatus.REVIEW, name="Renamed")

    assert (stale.status, stale.name) == (OfferingStatus.DRAFT, offering.name)
    assert Offering.objects.get().status == OfferingStatus.ARCHIVED


@pytest.mark.parametrize("model", STATEFUL, ids=lambda model: model.__name__)
def test_a_table_of_moves_names_every_state_and_no_other(model):
    targets = {target for allowed in model.MOVES.values() for target in allowed}

    assert targets <= set(model.MOVES)
    assert all(len(state) <= model._meta.get_field("status").max_length for state in model.MOVES)


def test_rows_are_locked_in_the_order_of_their_keys(offering):
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        list(Offering.objects.order_by("-name").locked())

    locking = queries.captured_queries[1]["sql"]
    assert 'ORDER BY "market_offering"."id" ASC' in locking
    assert locking.endswith('FOR NO KEY UPDATE OF "market_offering"')
