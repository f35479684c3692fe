"""Rows that are older than their columns, as the migrations find them."""

import json
from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from market.models import Offering, PricePlan, UsageBatch
from market.pricing import Plan
from tests.market import scenes
from tests.market.agents import event
from tests.market.scenes import AT, hours
from tests.market.services.test_metering import HOUR, START, ingest, place
from tests.owning import as_owner

pytestmark = pytest.mark.django_db
NOTES = import_module("market.migrations.0029_note_what_was_not_accepted")
PRICES = import_module("market.migrations.0030_measure_prices_by_the_reviewed_one")
PLANS = import_module("market.migrations.0031_measure_price_plans_by_the_reviewed_one")
FORGET = """
ALTER TABLE market_usagebatch DISABLE TRIGGER market_usagebatch_append_only;
UPDATE market_usagebatch SET not_accepted = '{}';
ALTER TABLE market_usagebatch ENABLE TRIGGER market_usagebatch_append_only;
"""


def answer(batch):
    """Return the answer to a batch as it was kept once, with every event that was accepted."""
    number = batch.accepted + batch.duplicates + batch.conflicts + batch.rejected
    accepted = {"id": "e", "status": "accepted"}
    results = [batch.not_accepted.get(str(place), accepted) for place in range(number)]
    return json.dumps({"batch": batch.pk, "results": results}, ensure_ascii=False)


def test_older_reports_note_what_was_not_accepted_of_them():
    reservation = place()
    first = event(reservation, START, START + HOUR)
    ingest(reservation, first, event(reservation, START + HOUR, START + 2 * HOUR))
    ingest(reservation, first, event(reservation, START + 2 * HOUR, START + 3 * HOUR), {"nonsense": "是"})
    ingest(reservation, {"x": 1})
    before = {batch.pk: (batch.not_accepted, answer(batch)) for batch in UsageBatch.objects.order_by("pk")}
    connection.check_constraints()

    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE market_usagebatch ADD COLUMN response bytea NOT NULL DEFAULT ''")
        cursor.execute(FORGET.replace("= '{}'", "= '{}', response = convert_to('{\"results\": []}', 'UTF8')"))
        cursor.execute("ALTER TABLE market_usagebatch DISABLE TRIGGER market_usagebatch_append_only")
        for pk, (_noted, answered) in before.items():
            cursor.execute("UPDATE market_usagebatch SET response = %s WHERE id = %s", [answered.encode(), pk])
        cursor.execute(NOTES.NOTE)
        with pytest.raises(IntegrityError), transaction.atomic():  # it stands as every report does
            cursor.execute("UPDATE market_usagebatch SET not_accepted = '{}'")

    assert {batch.pk: batch.not_accepted for batch in UsageBatch.objects.all()} == {
        pk: noted for pk, (noted, _answered) in before.items()
    }
    assert [len(noted) for noted, _answered in before.values()] == [0, 2, 1]


def test_older_offerings_were_reviewed_at_their_present_price_and_with_their_last_plan():
    flat, planned = (scenes.listed(scenes.provider(), scenes.accelerator()) for _number in range(2))
    draft = scenes.draft(scenes.provider(), scenes.accelerator())
    for first in (2, 1):
        scenes.priced(planned, Plan(base_micro=2_000_000 + first), starts_at=AT + hours(first))
    Offering.objects.update(reviewed_micro=None, reviewed_plan=None)
    connection.check_constraints()

    with as_owner(), connection.cursor() as cursor:
        cursor.execute(PRICES.SEEN)
        cursor.execute(PLANS.SEEN)

    last = PricePlan.objects.get(starts_at=AT + hours(2))
    reviewed = {row.pk: (row.reviewed_micro, row.reviewed_plan) for row in Offering.objects.all()}
    assert reviewed == {flat.pk: (2_000_000, None), planned.pk: (2_000_000, last), draft.pk: (None, None)}
