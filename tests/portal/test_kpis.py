"""Figures of a month with one order, to the fen, on the page and in what leaves the house."""

import json
from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import kpis as billing_kpis
from tests.portal import filing
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from vouchers import kpis
from vouchers.models import Application, Redemption
from vouchers.services.applications import deciding, reviewing

PAGE = "/desk/kpis/"
MOST_QUERIES = 20


def played(world: World) -> None:
    """Serve an order with a voucher last month, and grant one of two applications this month."""
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    procedure = filing.opened(world, required_evidence=[])
    first = filing.handed_in(procedure, 1, district="高新区")
    filing.handed_in(procedure, 2, district="武侯区")
    officer, owner = world.actor("officer1", world.authority), world.actor("officer2", world.authority)
    reviewing.approve(application=first, stage="review_1", no_interest=True, actor=officer, at=worlds.NOW)
    deciding.approve(application=Application.objects.get(pk=first.pk), actor=owner, at=worlds.NOW)


def test_figures_are_exact(world: World) -> None:
    played(world)
    ids = [world.programme.pk]
    (redemption,) = Redemption.objects.all()
    paid_fen = redemption.captured_fen
    assert paid_fen == 2_640

    course = kpis.course(programmes=ids, at=worlds.NOW)
    assert [tuple(month) for month in course.months] == [
        (worlds.LAST_MONTH.date().replace(day=1), 0, 1, worlds.FACE_FEN, 2_640, 0, 0),
        (worlds.NOW.date().replace(day=1), 2, 1, filing.ASKED_FEN, 0, 0, 0),
    ]
    # 72 days are left of 2026 after 20 October: 2,640 × 72 / 90.
    assert (course.redeemed_fen, course.pace_fen, course.forecast_fen) == (2_640, 2_640, 2_640 + 2_112)
    way = {stage.code: (stage.number, stage.p50_tenths, stage.p90_tenths) for stage in kpis.way(programmes=ids)}
    assert way["applied"] == (2, None, None)
    assert way["granted"] == (2, 20, 20)  # two days after it was handed in; the other was never applied for
    assert (way["held"][:2], way["redeemed"][0], way["paid"]) == ((1, 0), 1, (0, None, None))
    reached = {(one.axis, one.label): tuple(one[2:]) for one in kpis.reach(programmes=ids)}
    assert reached["district", "高新区"] == (1, 1, filing.ASKED_FEN, 0)
    assert reached["district", "武侯区"] == (1, 0, 0, 0)
    assert reached["district", ""] == (1, 1, worlds.FACE_FEN, 2_640)
    assert kpis.leverage(programmes=ids) == (8_800, 2_640)
    assert kpis.leverage(programmes=ids).times_bp == 33_333
    (cards,) = billing_kpis.compute(programmes=ids)
    assert (cards.domestic, cards.accelerator_ms, cards.voucher_fen) == (True, 40 * 3_600_000, 2_640)
    assert billing_kpis.domestic_bp([cards]) == 10_000
    assert kpis.integrity(programmes=ids) == (0, 0, 0, 0, 0)


def test_nothing_divides_by_nothing(world: World) -> None:
    course = kpis.course(programmes=[], at=worlds.NOW + timedelta(days=1))

    assert (course.months, course.forecast_fen) == ([], 0)
    assert [stage.number for stage in kpis.way(programmes=[])] == [0] * 5
    assert kpis.leverage(programmes=[]).times_bp is None
    assert kpis.integrity(programmes=[]).coverage_bp is None
    assert billing_kpis.domestic_bp([]) is None


def test_the_page_shows_them_and_the_exports_carry_them(world: World, sign_in: SignIn) -> None:
    played(world)
    client = sign_in("treasurer")

    with CaptureQueriesContext(connection) as queries:
        page = client.get(PAGE).content.decode()
    assert len(queries) <= MOST_QUERIES
    for shown in ("¥26.40", "¥47.52", "3.33×", "100%", "高新区", "2.0"):
        assert (shown, shown in page) == (shown, True)
    answer = json.loads(client.get(f"{PAGE}months.json").content)
    assert answer["months"][0] == {
        "month": "2026-09",
        "applications": 0,
        "grants": 1,
        "granted_fen": worlds.FACE_FEN,
        "captured_fen": 2_640,
        "refunded_fen": 0,
        "redeemed_fen": 2_640,
        "paid_fen": 0,
    }
    schema = json.loads(client.get(f"{PAGE}schema.json").content)
    assert set(schema["properties"]["months"]["items"]["required"]) == set(answer["months"][0])
    lines = client.get(f"{PAGE}months.csv?programme={world.programme.pk}").getvalue().decode("utf-8-sig").splitlines()
    assert lines[1] == "2026-09,0,1,10000.00,26.40,0.00,26.40,0.00"
    assert client.get(f"{PAGE}?programme=nonsense").status_code == 200
