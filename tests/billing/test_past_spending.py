"""What firms spent, read order by order, and a programme run against it from the command line."""

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing import past_spending
from tests.billing import scenes
from tests.billing.scenes import CARD_HOUR_MS
from vouchers.models import Programme
from vouchers.parameters import codec

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


@pytest.fixture
def charged(buyer, offering, grant):
    """Two hours of October, 600 fen, half of it paid by a voucher."""
    made = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(made, 2 * CARD_HOUR_MS, CARD_HOUR_MS)
    scenes.rate(made)
    return made


def test_an_order_is_one_spending_of_all_its_usage(charged, buyer, provider, django_assert_num_queries):
    with django_assert_num_queries(2):
        (one,) = past_spending.between(first_on=OCTOBER, closes_on=NOVEMBER)

    assert (one.entity, one.provider, one.amount_fen) == (str(buyer.pk), str(provider.pk), 600)
    assert (one.category, one.group) == (charged.order.category, buyer.city)
    assert past_spending.between(first_on=NOVEMBER, closes_on=date(2026, 12, 1)) == []


def test_a_programme_and_a_change_of_it_are_run_from_the_command_line(charged, tmp_path):
    programme = Programme.objects.get()
    changed = codec.changed(programme.parameters, {"award.tiers": [{"code": "BASE", "bp": 1_000}]})
    (tmp_path / "next.json").write_text(codec.dumps(changed), encoding="utf-8")
    (tmp_path / "broken.json").write_text("{}", encoding="utf-8")
    days = ["--from", "2026-10-01", "--to", "2026-11-01"]

    def run(*more):
        out = StringIO()
        call_command("simulate_programme", programme.code, *days, *more, stdout=out)
        return json.loads(out.getvalue())

    assert run()["cost_fen"] == 300
    assert run("--parameters", str(tmp_path / "next.json"))["cost_change_fen"] == -240
    with pytest.raises(CommandError, match="identity"):
        run("--parameters", str(tmp_path / "broken.json"))
    with pytest.raises(CommandError, match="no such programme"):
        call_command("simulate_programme", "XX", *days)
