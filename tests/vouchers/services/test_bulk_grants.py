"""Many grants from a sheet: looked at first, then all or none; given up, and issued anew after a merger."""

import io
from datetime import date

import openpyxl
import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from accounts.models import AuditEntry
from core.errors import IllegalMove
from core.sheets import UnreadableFile
from tests.vouchers import filing, scenes
from tests.vouchers.scenes import AT, officer
from vouchers import selectors
from vouchers.models import Grant, GrantStatus
from vouchers.services import blacklisting, bulk_grants, grants, redemptions, reissues
from vouchers.services.people import MakerIsChecker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def sheet(*rows, header="统一社会信用代码,面额（元）,备注", encoding="utf-8"):
    return "\n".join([header, *rows]).encode(encoding)


def test_a_sheet_is_looked_at_without_effect_then_proposed_once_and_approved_by_another(programme):
    firms = [scenes.buyer() for _ in range(3)]
    content = sheet(*(f"{firm.credit_code},{n}000.50,ok" for n, firm in enumerate(firms, start=5)), encoding="gb18030")

    report = bulk_grants.preview(programme=programme, content=content, at=AT)

    assert (report.sound, report.total_fen, [line.face_fen for line in report.lines]) == (
        True,
        1_800_150,
        [500_050, 600_050, 700_050],
    )
    assert not Grant.objects.exists()
    batch = bulk_grants.propose(programme=programme, name="十月", content=content, actor=officer(1), at=AT)
    with pytest.raises(bulk_grants.SheetTaken):
        bulk_grants.propose(programme=programme, name="十月", content=content, actor=officer(1), at=AT)
    with pytest.raises(MakerIsChecker):
        bulk_grants.approve(batch=batch, actor=officer(1), at=AT)
    assert len(bulk_grants.approve(batch=batch, actor=officer(2), at=AT)) == 3
    assert selectors.programme_positions(programmes=[programme])[0].available_fen == 1_800_150
    assert bulk_grants.approve(batch=batch, actor=officer(2), at=AT) == []
    assert AuditEntry.objects.filter(verb="grants.approved-in-bulk").count() == 1


def test_a_workbook_is_a_sheet_as_well(programme):
    book = openpyxl.Workbook()
    firm = scenes.buyer()
    book.active.append(["credit_code", "face_yuan"])
    book.active.append([firm.credit_code, 20_000])
    file = io.BytesIO()
    book.save(file)

    (line,) = bulk_grants.preview(programme=programme, content=file.getvalue(), at=AT).lines

    assert (line.owner, line.face_fen, line.errors) == (firm, 2_000_000, ())


def test_everything_wrong_is_named_row_by_row_and_nothing_is_proposed():
    programme = scenes.published(budget_fen=1_000_000, min_grant_fen=500_000)
    firm, seller = scenes.buyer(), scenes.provider()
    content = sheet(
        f"{firm.credit_code},4999.99,small",
        f"{firm.credit_code},many,",
        "91440300000000000X,6000,",
        f"{seller.credit_code},6000",
        f"{firm.credit_code},99999999999999,",
    )

    with pytest.raises(bulk_grants.RowsRefused) as refusal:
        bulk_grants.propose(programme=programme, name="bad", content=content, actor=officer(1), at=AT)

    assert [row["line"] for row in refusal.value.extra["rows"]] == [2, 3, 4, 5, 6]
    assert refusal.value.extra["rows"][0]["errors"] == [
        "The firm comes more than once.",
        "A grant of this programme is at least ¥5,000.00.",
    ]
    short = sheet(f"{scenes.buyer().credit_code},10000.01")
    with pytest.raises(bulk_grants.RowsRefused, match=r"0\.01 short"):
        bulk_grants.propose(programme=programme, name="short", content=short, actor=officer(1), at=AT)
    out = scenes.buyer()
    blacklisting.bar(organization=out, until=date(2026, 1, 1), reason="fictitious", actor=officer(2), at=AT)
    (line,) = bulk_grants.preview(programme=programme, content=sheet(f"{out.credit_code},6000"), at=AT).lines
    assert line.errors == (f"{out.name} is barred from vouchers.",)
    assert not Grant.objects.exists()
    for header, error in [("credit_code,面额,face_yuan", bulk_grants.BadHeader), ("a,b", bulk_grants.BadHeader)]:
        with pytest.raises(error):
            bulk_grants.preview(programme=programme, content=sheet("x,1,2", header=header), at=AT)
    for content in (sheet(f"{firm.credit_code},=1+1"), "面額".encode("big5"), b"PK\x03\x04"):
        with pytest.raises(UnreadableFile):
            bulk_grants.preview(programme=programme, content=content, at=AT)


def test_an_owner_gives_a_grant_up_once_nothing_of_it_is_held(grant):
    held, owner = scenes.hold(grant, 1_000_000), filing.person(grant.owner)
    with pytest.raises(reissues.StillHeld):
        reissues.surrender(grant=grant, reason="", actor=owner, at=AT)
    scenes.capture(held, 100_000)
    redemptions.release(redemption=held, at=AT)

    given_up = reissues.surrender(grant=grant, reason="项目取消", actor=owner, at=AT)

    assert given_up.status == GrantStatus.SURRENDERED
    assert selectors.grant_balance(grant) == (2_000_000, 0, 0, 100_000, 0, 1_900_000)
    assert selectors.programme_positions(programmes=[grant.programme])[0].unallocated_fen == 9_999_900_000
    with pytest.raises(IllegalMove):
        reissues.surrender(grant=grant, reason="", actor=owner, at=AT)
    with pytest.raises(IntegrityError, match="stays over"), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(status="active")


def test_after_a_merger_what_is_left_passes_to_the_successor_until_the_same_day(grant):
    heir = scenes.buyer()
    scenes.capture(held := scenes.hold(grant, 1_000_000), 250_000)
    terms = {"grant": grant, "successor": heir, "reason": "吸收合并", "actor": officer(1), "at": AT}
    for wrong in (grant.owner, scenes.provider()):
        with pytest.raises(reissues.BadSuccessor):
            reissues.propose(**terms | {"successor": wrong})
    made = reissues.propose(**terms)
    with pytest.raises(reissues.ReissueProposed):
        reissues.propose(**terms)
    with pytest.raises(MakerIsChecker):
        reissues.approve(reissue=made, actor=officer(1), at=AT)
    with pytest.raises(reissues.StillHeld):
        reissues.approve(reissue=made, actor=officer(2), at=AT)
    redemptions.release(redemption=held, at=AT)

    new = reissues.approve(reissue=made, actor=officer(2), at=AT)

    grant.refresh_from_db()
    assert (grant.status, new.owner, new.face_fen, new.expires_at) == (
        GrantStatus.SUPERSEDED,
        heir,
        1_750_000,
        grant.expires_at,
    )
    assert selectors.programme_positions(programmes=[grant.programme])[0].adds_up
    with pytest.raises(IllegalMove):
        reissues.reject(reissue=made, actor=officer(2), at=AT)


def test_a_reissue_may_be_turned_down_or_find_nothing_left(programme, grant):
    heir = scenes.buyer()
    first = reissues.propose(grant=grant, successor=heir, reason="合并", actor=officer(1), at=AT)
    reissues.reject(reissue=first, actor=officer(2), at=AT)
    again = reissues.propose(grant=grant, successor=heir, reason="合并", actor=officer(1), at=AT)
    scenes.capture(scenes.hold(grant, 10_000_000), 2_000_000)
    with pytest.raises((reissues.NothingLeft, reissues.StillHeld)):
        reissues.approve(reissue=again, actor=officer(2), at=AT)
    grants.revoke(grant=grant, actor=officer(2), at=AT)
    with pytest.raises(IllegalMove):
        reissues.propose(
            grant=scenes.grant(programme), successor=heir, reason="x", actor=officer(1), at=AT.replace(year=2027)
        )
