"""Grants from a sheet, re-issues and extensions at the desk: looked at, proposed by one person, decided by another."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import OrganizationKind, Role
from core.periods import date_of, midnight
from portal.desk import bulk_grants as desk
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from vouchers.models import Extension, Grant, GrantBatch, Reissue
from vouchers.parameters import codec
from vouchers.services import bulk_grants, extensions, grants, redemptions, reissues, versions

HEAD = "统一社会信用代码,面额（元）,备注"
MOST_QUERIES = 15
LATER = date(2027, 6, 30)


def look(client: Client, world: World, *rows: str) -> str:
    """Look at a sheet, and return the page."""
    file = SimpleUploadedFile("十月.csv", "\n".join([HEAD, *rows]).encode("gb18030"))
    said = {"programme": world.programme.pk, "name": "十月", "file": file}
    return client.post(reverse("portal:grants-sheet"), said).content.decode()


def proposed(world: World) -> GrantBatch:
    """Propose from a sheet of five firms, and a re-issue of the world's grant."""
    firms = [scenes.buyer(f"样例企业{number}有限公司") for number in range(5)]
    content = "\n".join([HEAD, *(f"{firm.credit_code},5000,首批" for firm in firms)]).encode()
    officer = world.actor("officer1", world.authority)
    reissues.propose(grant=world.grant, successor=firms[0], reason="吸收合并", actor=officer, at=worlds.NOW)
    return bulk_grants.propose(
        programme=world.programme, name="十月首批", content=content, actor=officer, at=worlds.NOW
    )


def amend(world: World, **validity: object) -> None:
    """Let other rules of validity hold for what the programme grants from now on."""
    officer, owner = world.actor("officer1", world.authority), world.actor("officer2", world.authority)
    changed = codec.changed(world.programme.parameters, {f"validity.{name}": said for name, said in validity.items()})
    drafted = versions.draft(programme=world.programme, parameters=changed, reason="r", actor=officer, at=worlds.NOW)
    versions.publish(version=drafted, actor=owner, at=worlds.NOW)


def extendable(world: World) -> list[Grant]:
    """Let the programme extend what it grants from now on; grant three vouchers, all proposed to end later."""
    officer, owner = world.actor("officer1", world.authority), world.actor("officer2", world.authority)
    amend(world, extension_allowed=True, inactivity_expunge_days=60)
    owners = [world.buyer, scenes.buyer("样例企业甲"), scenes.buyer("样例企业乙")]
    terms = {"programme": world.programme, "face_fen": 100_000, "actor": officer, "at": worlds.NOW}
    made = [grants.propose(owner=one, **terms) for one in owners]
    granted = [grants.approve(grant=one, actor=owner, at=worlds.NOW) for one in made]
    said = {"last_on": LATER, "reason": "机房检修", "actor": officer, "at": worlds.NOW}
    extensions.propose_all(programme=world.programme, **said)
    return granted


def signed(page: str) -> str:
    """Return the sheet that a page keeps, if all of it is sound."""
    return page.partition('name="sheet" value="')[2].partition('"')[0]


def test_a_sheet_is_looked_at_line_by_line_then_proposed_and_approved_by_another(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer, owner = sign_in("officer1"), sign_in("officer2")
    firms = [scenes.buyer(f"样例企业{number}") for number in range(2)]
    assert officer.get(reverse("portal:grants-template")).content.startswith(b"PK")
    before = Grant.objects.count()

    wrong = look(officer, world, f"{firms[0].credit_code},5000,", "NOBODY,5000,", f"{firms[1].credit_code},five,")
    assert ("没有机构使用此信用代码" in wrong or "flag warn" in wrong, wrong.count("flag warn")) == (True, 2)
    assert signed(wrong) == ""
    assert "flag" not in look(officer, world), "a sheet without rows"
    assert officer.post(reverse("portal:grants-sheet"), {}).status_code == 200
    page = look(officer, world, *(f"{firm.credit_code},5000.50,首批" for firm in firms))
    assert Grant.objects.count() == before
    sheet = {"sheet": signed(page)}
    owner.post(reverse("portal:grants-sheet-make"), sheet)
    officer.post(reverse("portal:grants-sheet-make"), {"sheet": sheet["sheet"] + "x"})
    assert not GrantBatch.objects.exists(), "neither another person's sheet nor a changed one"
    officer.post(reverse("portal:grants-sheet-make"), sheet)
    officer.post(reverse("portal:grants-sheet-make"), sheet)
    batch = GrantBatch.objects.get()
    assert (batch.total_fen, batch.rows, Grant.objects.count()) == (1_000_100, 2, before + 2)

    approve = reverse("portal:grants-approve", args=[batch.pk])
    assert officer.post(approve).status_code == 403
    for address in (reverse("portal:grants-batch", args=[batch.pk]), reverse("portal:grants-sheet")):
        with CaptureQueriesContext(connection) as queries:
            assert "十月" in owner.get(address).content.decode()
        assert len(queries) <= MOST_QUERIES
    monkeypatch.setattr(desk, "ROWS", 1)
    first = owner.get(reverse("portal:grants-batch", args=[batch.pk]))
    second = owner.get(reverse("portal:grants-batch", args=[batch.pk]) + first.context["page"].next)
    assert [one.line for page in (first, second) for one in page.context["page"].rows] == [2, 3]
    owner.post(approve)
    assert set(Grant.objects.filter(batch_row__batch=batch).values_list("status", flat=True)) == {"active"}
    stranger = scenes.organization(OrganizationKind.AUTHORITY)
    worlds.person(world, "stranger", stranger, Role.OWNER)
    assert sign_in("stranger").post(approve).status_code == 404


def test_a_voucher_passes_to_a_successor_by_two_hands(world: World, sign_in: SignIn) -> None:
    officer, owner = sign_in("officer1"), sign_in("officer2")
    successor = scenes.buyer("合并后企业")
    new = reverse("portal:reissue-new", args=[world.grant.pk])
    said = {"credit_code": successor.credit_code, "reason": "吸收合并，决议〔2026〕3 号"}

    assert officer.get(new).status_code == 200
    for wrong in ({"credit_code": "none"}, {"credit_code": world.buyer.credit_code}, {"reason": ""}):
        assert officer.post(new, said | wrong).status_code == 200
    officer.post(new, said)
    reissue = Reissue.objects.get()
    act = {verb: reverse("portal:reissue-act", args=[reissue.pk, verb]) for verb in ("approve", "reject", "x")}
    assert officer.post(act["approve"]).status_code == 403
    assert owner.post(act["x"]).status_code == 404
    assert "吸收合并" in owner.get(reverse("portal:reissues")).content.decode()
    owner.post(act["approve"])
    owner.post(act["reject"])

    reissue.refresh_from_db()
    assert (reissue.status, reissue.issued.owner, reissue.issued.face_fen) == ("approved", successor, worlds.FACE_FEN)
    assert Grant.objects.get(pk=world.grant.pk).status == "superseded"


def test_vouchers_end_later_by_two_hands_one_or_all_of_a_programme(world: World, sign_in: SignIn) -> None:
    granted = extendable(world)
    ids = list(Extension.objects.order_by("pk").values_list("pk", flat=True))
    officer, owner, buyer = sign_in("officer1"), sign_in("officer2"), sign_in("buyer")
    index, many, decide = (reverse(f"portal:extensions{name}") for name in ("", "-make", "-bulk"))
    new, old = (reverse("portal:extension-new", args=[one.pk]) for one in (granted[0], world.grant))

    with CaptureQueriesContext(connection) as queries:
        assert officer.get(reverse("portal:grants")).content.decode().count("/extend/") == 3
        assert "机房检修" in owner.get(index, {"status": "proposed"}).content.decode()
    assert len(queries) <= 2 * MOST_QUERIES
    assert "没有符合" in owner.get(index, {"status": "rejected"}).content.decode()
    assert officer.post(decide, {"verb": "approve", "case": ids[:1]}).status_code == 403
    for wrong in ({"verb": "x"}, {"verb": "approve", "case": ["½"]}, {"verb": "approve", "case": ["9" * 40]}):
        assert owner.post(decide, wrong).status_code == 404
    owner.post(decide, {"verb": "reject"})
    owner.post(decide, {"verb": "reject", "case": ids[2:]})
    owner.post(decide, {"verb": "approve", "case": ids})
    assert [one.status for one in Extension.objects.order_by("pk")] == ["approved", "approved", "rejected"]
    page = buyer.get(reverse("portal:voucher", args=[granted[0].pk])).content.decode()
    assert ("2027-06-30" in page, "2026-12-20 00:00" in page) == (True, True), "its new end, and sixty days without use"
    for name in ("vouchers", "overview"):
        assert (name, "2026-12-20 00:00" in buyer.get(reverse(f"portal:{name}")).content.decode()) == (name, True)

    said = {"programme": world.programme.pk, "last_on": "2027-09-30", "reason": "再延"}
    for address, wrong in ((new, {"last_on": "2027-06-30"}), (old, {}), (many, {"last_on": "x"})):
        page = officer.post(address, said | wrong).content.decode()
        assert ("invalid-feedback" in page or "alert" in page, Extension.objects.count()) == (True, 3)
    assert owner.get(new).status_code == 200
    assert officer.post(new, said).status_code == 302
    assert officer.post(many, said).status_code == 302
    assert "alert" in officer.post(many, said).content.decode()
    assert Extension.objects.proposed().count() == 3
    stranger = scenes.organization(OrganizationKind.AUTHORITY)
    worlds.person(world, "stranger", stranger, Role.OWNER)
    assert sign_in("stranger").post(new, said).status_code == 404


def test_a_voucher_says_how_long_it_lasts_once_it_is_used_and_then_until_when(world: World, sign_in: SignIn) -> None:
    amend(world, valid_from="FIRST_USE", days=90, fixed_last_on="2028-12-31")
    officer, owner = world.actor("officer1", world.authority), world.actor("officer2", world.authority)
    terms = {"programme": world.programme, "owner": world.buyer, "face_fen": 100_000, "at": worlds.NOW}
    grant = grants.approve(grant=grants.propose(actor=officer, **terms), actor=owner, at=worlds.NOW)
    buyer, awaited = sign_in("buyer"), "自首次使用起 90 天内有效"
    pages = [(buyer, reverse(f"portal:{name}")) for name in ("vouchers", "overview")]
    pages += [(buyer, reverse("portal:voucher", args=[grant.pk])), (sign_in("officer1"), reverse("portal:grants"))]
    assert [page for who, page in pages if awaited not in who.get(page).content.decode()] == []

    wish = {"category": "GPU_TRAIN", "providers": [world.provider], "amount_fen": 10_000}
    redemptions.hold(grant=grant, owner=world.buyer, reference=f"order/{grant.pk}", at=worlds.NOW, **wish)

    page = buyer.get(pages[2][1]).content.decode()
    ends_at = Grant.objects.get(pk=grant.pk).expires_at
    assert ends_at == midnight(date_of(worlds.NOW) + timedelta(days=90))
    assert (awaited in page, f"{ends_at:%Y}" in page, "自首次使用（" in page, "起 90 天" in page) == (
        False,
        True,
        True,
        True,
    )
