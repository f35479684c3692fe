"""Figures of a month with one order, to the fen, on the page and in what leaves the house."""

import json
import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from billing import kpis as billing_kpis
from core.periods import HOUR, Period
from market.models import Reservation, ReturnedCards
from portal.desk import kpis as pages
from tests.portal import filing
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from tests.vouchers import log
from vouchers import industries, kpis
from vouchers.models import Application, Finding, Redemption
from vouchers.services.applications import deciding, reviewing

PAGE = "/desk/kpis/"
MOST_QUERIES = 15


def played(world: World) -> None:
    """Serve an order with a voucher last month, and grant one of two applications this month."""
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    procedure = filing.opened(world, required_evidence=[])
    first = filing.handed_in(procedure, 1, district="高新区")
    filing.handed_in(
        procedure, 2, district="武侯区", facts={"industry": "6520", "qualifications": ["高新技术企业", "专精特新"]}
    )
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
    assert reached["industry", "I"] == (1, 0, 0, 0)
    assert reached["qualification", "专精特新"] == reached["qualification", "高新技术企业"] == (1, 0, 0, 0)
    applied = kpis.oversight(programmes=ids, at=worlds.NOW).applied
    assert (tuple(applied), applied.approved_bp) == ((2, 1, 0, 1, 0, 2), 10_000)
    assert kpis.small_bp(kpis.reach(programmes=ids)) is None  # nobody's size was checked
    Organization.objects.filter(pk=world.buyer.pk).update(size="micro")
    assert kpis.small_bp(kpis.reach(programmes=ids)) == 10_000
    assert reached["industry", ""] == (2, 2, filing.ASKED_FEN + worlds.FACE_FEN, 2_640)
    assert reached["district", ""] == (1, 1, worlds.FACE_FEN, 2_640)
    assert kpis.oversight(programmes=ids, at=worlds.NOW).leverage == (8_800, 2_640)
    assert kpis.oversight(programmes=ids, at=worlds.NOW).leverage.times_bp == 33_333
    (cards,) = billing_kpis.compute(programmes=ids)
    assert (cards.domestic, cards.accelerator_ms, cards.voucher_fen) == (True, 40 * 3_600_000, 2_640)
    assert (cards.reserved_ms, cards.used_bp, cards.pflops_hours_milli) == (40 * 3_600_000, 10_000, 40 * 376)
    assert (cards.near_ms, billing_kpis.near_bp([cards])) == (0, 0)  # the authority has named no city
    Organization.objects.filter(pk=world.authority.pk).update(city=world.site.city)
    assert billing_kpis.near_bp(billing_kpis.compute(programmes=ids)) == 10_000
    assert billing_kpis.used_bp([cards]) == 10_000
    assert billing_kpis.domestic_bp([cards]) == 10_000
    reservation = Reservation.objects.get()
    ReturnedCards.objects.create(
        reservation=reservation, hour=reservation.ends_at - 2 * HOUR, cards=1, at=worlds.LAST_MONTH
    )
    (fewer,) = billing_kpis.compute(programmes=ids)
    assert fewer.reserved_ms == 38 * 3_600_000
    assert kpis.oversight(programmes=ids, at=worlds.NOW).integrity == (0,) * 13


def test_nothing_divides_by_nothing(world: World) -> None:
    course = kpis.course(programmes=[], at=worlds.NOW + timedelta(days=1))

    assert (course.months, course.forecast_fen) == ([], 0)
    assert [stage.number for stage in kpis.way(programmes=[])] == [0] * 5
    assert kpis.oversight(programmes=[], at=worlds.NOW).leverage.times_bp is None
    assert kpis.oversight(programmes=[], at=worlds.NOW).integrity.coverage_bp is None
    assert kpis.oversight(programmes=[], at=worlds.NOW).integrity.recovered_bp is None
    assert kpis.oversight(programmes=[], at=worlds.NOW).applied.approved_bp is None
    assert (billing_kpis.near_bp([]), billing_kpis.used_bp([])) == (None, None)
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
    assert "signed=1" in page


def test_the_exports_carry_the_platforms_signature_and_a_changed_file_does_not_fit_it(
    world: World, sign_in: SignIn, tmp_path: Path, settings: Any
) -> None:
    played(world)
    settings.TRANSPARENCY_KEY = log.SIGNER.private()
    pub, packed, client = tmp_path / "log.pub", tmp_path / "x.zip", sign_in("treasurer")
    pub.write_text(log.SIGNER.public(), encoding="utf-8")
    for name, file in {"months.csv": "voucher-months.csv", "months.json": "voucher-months.json"}.items():
        packed.write_bytes(client.get(f"{PAGE}{name}?signed=1").content)
        assert log.verify(packed, pub, "--file") == (0, f"OK: {file}\n")
    sheet = zipfile.ZipFile(BytesIO(client.get(f"{PAGE}year.xlsx?signed=1").content))
    assert sheet.namelist() == ["vouchers-2026.xlsx", "vouchers-2026.xlsx.note"]
    with zipfile.ZipFile(packed) as right, zipfile.ZipFile(tmp_path / "wrong.zip", "w") as wrong:
        for name in right.namelist():
            wrong.writestr(name, right.read(name).replace(b"2640", b"2641"))
    assert log.verify(tmp_path / "wrong.zip", pub, "--file").code == 2
    assert log.verify(packed, pub).code == 1
    settings.TRANSPARENCY_KEY, settings.PRODUCTION, settings.TRANSPARENCY_KEY_FILE = "", True, str(tmp_path / "none")
    refused = client.get(f"{PAGE}months.csv?signed=1", follow=True)
    assert (refused.redirect_chain[0][1], "没有签发检查点的密钥" in refused.content.decode()) == (302, True)


def test_a_year_counts_what_happened_in_it(world: World) -> None:
    played(world)
    ids, last_year = [world.programme.pk], pages.year_of(2025)

    assert kpis.reach(programmes=ids, period=last_year) == []
    assert [stage.number for stage in kpis.way(programmes=ids, period=last_year)] == [0] * 5
    assert kpis.oversight(programmes=ids, at=worlds.NOW, period=last_year).leverage == (0, 0)
    assert billing_kpis.compute(programmes=ids, period=last_year) == []
    september = Period(worlds.LAST_MONTH, worlds.LAST_MONTH + timedelta(days=10))
    assert kpis.oversight(programmes=ids, at=worlds.NOW, period=september).leverage == (8_800, 2_640)


def test_findings_and_clawbacks_are_counted_with_their_money(world: World) -> None:
    Finding.objects.create(
        rule="MANUAL",
        severity="high",
        dedupe_key="one",
        grant=world.grant,
        amount_fen=500,
        evidence={},
        found_at=worlds.NOW,
        status="upheld",
        decided_by=world.people["officer2"],
        decided_at=worlds.NOW,
        reason="属实",
    )
    Finding.objects.create(
        rule="MANUAL",
        severity="low",
        dedupe_key="two",
        programme=world.programme,
        evidence={},
        found_at=worlds.NOW,
        status="open",
    )

    found = kpis.oversight(programmes=[world.programme.pk], at=worlds.NOW).integrity

    assert (found.findings, found.findings_open, found.findings_upheld, found.findings_upheld_fen) == (2, 1, 1, 500)
    assert (found.clawbacks, found.demanded_fen, found.recovered_bp) == (0, 0, None)


@pytest.mark.parametrize(
    ("code", "letter"),
    [("65", "I"), ("i6520", "I"), (" C39 ", "C"), ("C", "C"), ("98", ""), ("", ""), ("半导体", ""), ("999999", "")],
)
def test_an_industry_is_known_by_its_code(code: str, letter: str) -> None:
    assert industries.section(code) == letter


def test_the_sheet_of_the_year_is_one_click_and_no_formula(world: World, sign_in: SignIn) -> None:
    played(world)
    client = sign_in("treasurer")

    book = openpyxl.load_workbook(BytesIO(client.get(f"{PAGE}year.xlsx").content))
    rows = [tuple(cell.value for cell in row) for row in book.worksheets[0].iter_rows(min_row=2)]
    told = {(part, name): value for part, name, value, _unit in rows}

    assert told["年度报告", "年度"] == 2026
    assert told["预算", "本年核销"] == "26.40"
    assert told["成效", "带动算力消费"] == "88.00"
    assert told["成效", "带动倍数"] == "3.33"
    assert told["成效", "卡时"] == "40.000"
    assert told["成效", "计算量"] == "15.040"
    assert told["成效", "预留卡时使用率"] == "100.00"
    assert told["按行业", "信息传输、软件和信息技术服务业"] == 1
    assert told["覆盖面", "审结通过率"] == "100.00"
    assert told["按区县", "高新区 · 发放"] == "8000.00"
    assert told["从申领到兑付", "发放 · 天数（中位数）"] == "2.0"
    assert not [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.data_type == "f"]
    earlier = openpyxl.load_workbook(BytesIO(client.get(f"{PAGE}year.xlsx?year=2025&programme=x").content))
    assert ("成效", "带动算力消费", "0.00", "元") in {
        tuple(cell.value for cell in row) for row in earlier.worksheets[0].iter_rows()
    }
    assert "¥88.00" not in client.get(f"{PAGE}?year=2025").content.decode()
    assert "信息传输、软件和信息技术服务业" in client.get(f"{PAGE}?year=2026").content.decode()
