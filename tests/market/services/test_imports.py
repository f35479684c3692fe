"""Offerings from a file: looked at, brought in all or none, and unchanged by their own export."""

import io
import zipfile

import openpyxl
import pytest
from django.utils import translation

from accounts.models import AuditEntry
from core import sheets
from market.models import Offering, OfferingStatus
from market.services import imports, kept_imports, offerings
from market.services.imports import Action
from market.services.offerings import Lot
from tests.market import scenes
from tests.market.scenes import AT, SYSTEM

HEADER = "reference,name,site,model,category,cards,price_yuan,opens_at"
ROW = "P-1,训练池,深圳中心,card,GPU_TRAIN,16,2.20,2026-10-02 08:00"


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.fixture
def place(provider, card):
    return scenes.site(provider, name="深圳中心")


def table(*rows, header=HEADER, encoding="utf-8"):
    return "\n".join([header, *rows]).encode(encoding)


def look(provider, content):
    return imports.preview(provider=provider, content=content, actor=SYSTEM, at=AT)


def bring_in(provider, content, **seen):
    return imports.bring_in(provider=provider, content=content, actor=SYSTEM, at=AT, **seen)


def errors(report):
    return [(line.line, error.column) for line in report.lines for error in line.errors]


def test_a_look_at_a_file_changes_nothing(provider, place):
    report = look(provider, table(ROW))

    assert [(line.line, line.reference, line.action) for line in report.lines] == [(2, "P-1", Action.CREATE)]
    assert not Offering.objects.exists()
    assert not AuditEntry.objects.exists()


def test_new_rows_are_drafted_once_however_often_they_come(provider, place, card):
    content = table(ROW, "P-2,推理池,深圳中心,card,GPU_INFER,8,1.5,2026/10/3")

    first, second = bring_in(provider, content), bring_in(provider, content)

    assert first.counts == {"create": 2, "change": 0, "same": 0, "refused": 0}
    assert second.counts == {"create": 0, "change": 0, "same": 2, "refused": 0}
    drafted = Offering.objects.get(reference="P-1")
    assert (drafted.status, drafted.name, drafted.site, drafted.accelerator) == ("draft", "训练池", place, card)
    assert (drafted.count, drafted.price_micro, drafted.opens_at.isoformat()) == (
        16,
        2_200_000,
        "2026-10-02T00:00:00+00:00",
    )


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_sent_out_comes_back_as_it_was(provider, card, place, kind):
    lot = Lot(min_count=2, step_count=2, max_count=6, max_hours=99, notice_hours=3, provisioning_minutes=45)
    for number, name in enumerate(['=HYPERLINK("x")', "-1+2", "'quoted", 'a "b", c', "换行 池", "+86", "@SUM(A1)"]):
        scenes.draft(provider, card, name=name, site=place, price_micro=2_000_001 + number, lot=lot)
    scenes.draft(provider, card, closes_at=scenes.NEXT_YEAR, opens_at=AT.replace(second=7, microsecond=5))

    content = imports.export(provider=provider, kind=kind)

    assert b"=HYPERLINK" not in content.replace(b"'=HYPERLINK", b"")
    assert bring_in(provider, content).counts == {"create": 0, "change": 0, "same": 8, "refused": 0}


def test_a_known_reference_changes_what_its_row_has_and_leaves_the_rest(provider, place, card):
    offering = scenes.listed(provider, card, site=place, reference="P-1", name="Old", lot=Lot(max_hours=9))

    report = bring_in(provider, table("P-1,New,9.00", header="reference,name,price_yuan"))

    (line,) = report.lines
    assert [(change.column, change.old, change.new) for change in line.changes] == [
        ("name", "Old", "New"),
        ("price_yuan", "2.00", "9.00"),
    ]
    assert line.reviewed
    offering.refresh_from_db()
    assert (offering.status, offering.name, offering.max_hours) == (OfferingStatus.REVIEW, "New", 9)


def test_one_wrong_row_keeps_the_whole_file_out(provider, place):
    content = table(ROW, "P-2,x,nowhere,card,GPU_TRAIN,many,-1,someday", "P-1,again,深圳中心,card,HPC,1,1,2026-10-02")

    report = look(provider, content)
    with pytest.raises(imports.RowsRefused) as refusal:
        bring_in(provider, content)

    assert errors(report) == [
        (3, "site"),
        (3, "cards"),
        (3, "price_yuan"),
        (3, "opens_at"),
        (4, "reference"),
    ]
    assert [row["line"] for row in refusal.value.extra["rows"]] == [3, 4]
    assert not Offering.objects.exists()


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("P-1,训练池,深圳中心,card,GPU_TRAIN,0,2.20,2026-10-02", "cards"),
        ("P-1,训练池,深圳中心,card,GPU_TRAIN,٣,2.20,2026-10-02", "cards"),
        ("P-1,训练池,深圳中心,card,GPU_TRAIN,1e3,2.20,2026-10-02", "cards"),
        ("P-1,训练池,深圳中心,card,GPU_TRAIN,16,0.0000001,2026-10-02", "price_yuan"),
        ("P-1,训练池,深圳中心,card,GPU_TRAIN,16,2.20,2026-02-30", "opens_at"),
        ("P-1,训练池,深圳中心,саrd,GPU_TRAIN,16,2.20,2026-10-02", "model"),
        ("P-1,Pоol,深圳中心,card,GPU_TRAIN,16,2.20,2026-10-02", "name"),
        (",训练池,深圳中心,card,GPU_TRAIN,16,2.20,2026-10-02", "reference"),
        ("P-1,训练池,深圳中心,card,MINING,16,2.20,2026-10-02", "category"),
        ("P-1,训练池,深圳中心,card,GPU_TRAIN,16,2.20,2026-10-02,more", ""),
    ],
)
def test_a_wrong_cell_is_named_by_its_line_and_column(provider, place, row, column):
    assert errors(look(provider, table(row))) == [(2, column)]


def test_full_width_writing_and_chinese_headers_are_understood(provider, place):
    with translation.override("zh-hans"):
        from market.services.offering_columns import COLUMNS  # noqa: PLC0415 - titles as a Chinese reader has them

        header = ",".join(str(column.title) for column in COLUMNS[:8])
    row = "Ｐ－１,训练池,深圳中心,ＣＡＲＤ,gpu_train,１６,２．２０,２０２６－１０－０２"

    bring_in(provider, table(row, header=header, encoding="gbk"))

    drafted = Offering.objects.get()
    assert (drafted.reference, drafted.count, drafted.price_micro) == ("P-1", 16, 2_200_000)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gbk", "gb18030"])
def test_known_encodings_are_found_out(provider, place, encoding):
    assert look(provider, table(ROW, encoding=encoding)).sound


def bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 21_000_000)
    return file.getvalue()


def workbook(**cells):
    book = openpyxl.Workbook()
    book.active["A1"] = "reference"
    for place, value in cells.items():
        book.active[place] = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"x" * 2_000_001, "too-large"),
        ("訓練".encode("big5") + b",\xff\xfe\x81", "encoding"),
        ("reference".encode("utf-16-le"), "encoding"),
        (b"\xd0\xcf\x11\xe0old", "old-excel"),
        (b"PK\x03\x04nothing", "not-a-workbook"),
        (b'reference\n"open', "not-a-csv"),
        (b"reference\n" + b"1\n" * 1_001, "too-many-rows"),
        (b"reference" + b",a" * 60 + b"\n", "too-many-columns"),
        (b"reference\n" + b"x" * 1_001, "cell-too-long"),
        ("reference\nP\u200b1".encode(), "hidden-characters"),
        (b"reference\n=1+1", "formula"),
        (bomb(), "bomb"),
        (workbook(A2="=1+1"), "formula"),
        (workbook(A1048576="far"), "too-many-rows"),
        (workbook(XFD2="wide"), "too-many-columns"),
    ],
)
def test_what_is_no_honest_table_is_refused_in_words(provider, content, reason):
    with pytest.raises(sheets.UnreadableFile) as refusal:
        look(provider, content)

    assert refusal.value.extra["reason"] == reason
    assert "%" not in str(refusal.value)


@pytest.mark.parametrize("header", ["reference,colour", "reference,name,name", "name,cards"])
def test_a_header_says_what_is_known_once_and_which_offering_it_is(provider, header):
    with pytest.raises(imports.BadHeader):
        look(provider, table("a,b,c", header=header))


def test_what_was_seen_is_what_is_done(provider, place, card):
    content = table("P-1,9.00", header="reference,price_yuan")
    offering = scenes.draft(provider, card, reference="P-1")
    seen = look(provider, content).sha256
    kept = kept_imports.keep(provider=provider, name="x.csv", content=content, by=scenes.clerks()[0], at=AT)
    offerings.archive(offering=scenes.draft(provider, card), actor=SYSTEM, at=AT)

    Offering.objects.filter(pk=offering.pk).update(price_micro=3_000_000)
    with pytest.raises(imports.RowsRefused):
        kept_imports.confirm(kept=kept, seen=seen, actor=SYSTEM, at=AT)
    seen = look(provider, content).sha256
    kept_imports.confirm(kept=kept, seen=seen, actor=SYSTEM, at=AT)

    assert Offering.objects.get(pk=offering.pk).price_micro == 9_000_000
    with pytest.raises(kept_imports.AlreadyBroughtIn):
        kept_imports.confirm(kept=kept, seen=seen, actor=SYSTEM, at=AT)


def test_another_providers_reference_is_not_known(provider, place, card):
    foreign = scenes.draft(scenes.provider(), card, reference="P-1")

    bring_in(provider, table(ROW))

    foreign.refresh_from_db()
    assert foreign.count == 8
    assert Offering.objects.filter(reference="P-1").count() == 2
