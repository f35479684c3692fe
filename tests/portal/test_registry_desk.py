"""The registry at the desk: entered by one person, listed by another, suspended with a ground, renewed, exported."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import OrganizationKind, Role
from core.periods import date_of
from tests.market import scenes
from tests.portal import test_claims_desk
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from vouchers.models import ListingStatus, PriceFiling, ProviderListing
from vouchers.services import bulk_listings, registry

TODAY = date_of(worlds.NOW)
MOST_QUERIES = 15


def terms(world: World, **changes: object) -> dict[str, object]:
    """Return what a person types: from the first of October to the end of the month."""
    days = {"first_on": "2026-10-01", "last_on": "2026-10-31"}
    named = {"programme": world.programme.pk, "credit_code": world.provider.credit_code.lower(), "batch": "2026-1"}
    return {**named, **days, "item": "", **changes}


def suspended(world: World) -> ProviderListing:
    """Suspend the world's provider, listed until the end of the month."""
    officer, owner = world.actor("officer1", world.authority), world.actor("officer2", world.authority)
    days = {"valid_from": TODAY - timedelta(days=19), "valid_until": TODAY + timedelta(days=12)}
    made = registry.apply(
        programme=world.programme, provider=world.provider, actor=officer, at=worlds.NOW, batch="2026-1", **days
    )
    registry.review(listing=made, actor=owner, at=worlds.NOW)
    registry.list_(listing=made, actor=owner, at=worlds.NOW)
    return registry.suspend(listing=made, reason="计量异常，正在核查", actor=owner, at=worlds.NOW)


def act(client: Client, listing: ProviderListing, verb: str, reason: str = "") -> str:
    client.post(reverse("portal:registry-act", args=[listing.pk, verb]), {"reason": reason})
    return str(ProviderListing.objects.values_list("status", flat=True).get(pk=listing.pk))


def test_a_provider_is_entered_listed_suspended_lifted_and_renewed(world: World, sign_in: SignIn) -> None:
    claim = test_claims_desk.handed_in(world)
    officer, owner, new = sign_in("officer1"), sign_in("officer2"), reverse("portal:registry-new")
    for wrong in ({"credit_code": "none"}, {"item": "NONE"}, {"last_on": "2026-09-30"}, {"last_on": "9999-12-31"}):
        assert officer.post(new, terms(world, **wrong)).status_code == 200
    page = officer.post(new, terms(world)).url
    listing = ProviderListing.objects.get()
    assert officer.post(new, terms(world)).status_code == 200, "once at a time"

    assert act(officer, listing, "review") == "applied", "who enters does not list"
    queue = {"case": listing.pk, "verb": "review", "query": "state=waiting"}
    owner.post(reverse("portal:registry-bulk"), queue)
    assert act(owner, listing, "list") == "listed"
    assert act(owner, listing, "suspend") == "listed", "not without a ground"
    owner.post(reverse("portal:registry-bulk"), queue | {"verb": "suspend", "reason": "计量异常"})
    shown = officer.get(page).content.decode()
    assert ("计量异常" in shown, "26.40" in shown) == (True, True)
    assert claim.amount_fen == 2_640
    assert act(owner, listing, "lift") == "listed"

    with CaptureQueriesContext(connection) as queries:
        rows = officer.get(reverse("portal:registry") + "?soon=on&state=listed&q=样例&batch=2026-1").content.decode()
    assert len(queries) <= MOST_QUERIES
    assert ("剩余 12 天" in rows, world.provider.name in rows) == (True, True)
    form = officer.get(f"{new}?renew={listing.pk}").content.decode()
    assert ('value="2026-11-01"' in form, 'value="2026-12-01"' in form) == (True, True)
    officer.post(new, terms(world, first_on="2026-11-01", last_on="2026-12-01"))
    assert ProviderListing.objects.filter(status=ListingStatus.APPLIED).count() == 1
    for kind, start in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
        assert officer.get(reverse("portal:registry-export", args=[kind])).content.startswith(start)
    assert officer.get(f"{new}?renew=nonsense").status_code == 200
    forever = registry.apply(
        programme=world.programme,
        provider=world.provider,
        item="",
        batch="-",
        valid_from=date(2027, 1, 1),
        valid_until=date.max,
        actor=world.actor("officer1", world.authority),
        at=worlds.NOW,
    )
    assert officer.get(f"{new}?renew={forever.pk}").status_code == 200
    shown = officer.get(reverse("portal:registry-listing", args=[forever.pk])).content.decode()
    assert "2026-10-01 – 2026-10-31" in shown, "the last day of the other listing, as on its own page"


def test_the_registry_of_others_does_not_exist_and_only_its_owner_decides(world: World, sign_in: SignIn) -> None:
    officer = sign_in("officer1")
    officer.post(reverse("portal:registry-new"), terms(world))
    listing = ProviderListing.objects.get()
    stranger = scenes.organization(OrganizationKind.AUTHORITY)
    worlds.person(world, "stranger", stranger, Role.OWNER)
    client, address = sign_in("stranger"), reverse("portal:registry-listing", args=[listing.pk])

    assert client.get(address).status_code == 404
    assert client.post(reverse("portal:registry-act", args=[listing.pk, "reject"])).status_code == 404
    assert client.post(reverse("portal:registry-bulk"), {"case": "x", "verb": "reject"}).status_code == 404
    client.post(reverse("portal:registry-bulk"), {"case": listing.pk, "verb": "reject", "reason": "x"})
    client.post(reverse("portal:registry-bulk"), {"verb": "reject", "reason": "x"})
    assert ProviderListing.objects.get().status == "applied"
    assert officer.post(reverse("portal:registry-act", args=[listing.pk, "reject"])).status_code == 403
    owner = sign_in("officer2")
    assert owner.post(reverse("portal:registry-act", args=[listing.pk, "nonsense"])).status_code == 404
    assert owner.post(reverse("portal:registry-bulk"), {"verb": "nonsense"}).status_code == 404
    for query in ("q=%00", "state=nonsense", "programme=x", "item=none"):
        assert owner.get(f"{reverse('portal:registry')}?{query}").status_code == 200


def file_of(*rows: str, header: str = "统一社会信用代码,服务事项,批次,起始日期,截止日期") -> SimpleUploadedFile:
    return SimpleUploadedFile("registry.csv", "\n".join([header, *rows]).encode())


def test_the_operator_enters_a_sheet_after_a_look_and_another_of_its_people_lists(
    world: World, sign_in: SignIn
) -> None:
    worlds.person(world, "lister", world.operator, Role.OWNER)
    worlds.person(world, "lister2", world.operator, Role.REVIEWER)
    maker, checker, sheet = sign_in("lister"), sign_in("lister2"), reverse("portal:registry-sheet")
    other = scenes.organization(OrganizationKind.PROVIDER)
    code, programme = world.provider.credit_code, {"programme": world.programme.pk}
    wrong = [
        f"{code.lower()},,2026-1,2026-10-01,2026-10-31",
        f"{code},,,2026/10/31,2026/11/30",
        f"{other.credit_code},NONE,,2026-10-01,2026-10-31",
        f"{other.credit_code},,,soon,2026-10-31",
        f"{other.credit_code},,,1026-10-01,2026-10-31",
        "91440300000000000X,,,2026-10-01,2026-10-31",
    ]

    shown = maker.post(sheet, programme | {"file": file_of(*wrong)})
    assert [bool(line.error) for line in shown.context["lines"]] == [False, True, True, True, True, True]
    assert (shown.context["sheet"], ProviderListing.objects.count()) == ("", 0)
    for bad in (file_of(header="a,b"), file_of(*(["x,,,2026-10-01,2026-10-31"] * 501)), file_of()):
        assert not maker.post(sheet, programme | {"file": bad}).context.get("sheet")
    named = {"programme": world.programme, "content": file_of(*wrong).read(), "at": worlds.NOW}
    with pytest.raises(bulk_listings.RowsRefused):
        bulk_listings.enter(actor=world.actor("lister", world.operator), **named)

    good = file_of(wrong[0], f"{other.credit_code},,,2026-10-01,2026-10-31")
    signed = maker.post(sheet, programme | {"file": good}).context["sheet"]
    entering = reverse("portal:registry-sheet-enter")
    checker.post(entering, {"sheet": signed})
    assert not ProviderListing.objects.exists(), "whoever looked enters"
    maker.post(entering, {"sheet": signed})
    maker.post(entering, {"sheet": signed})
    assert ProviderListing.objects.filter(status="applied").count() == 2
    listing = ProviderListing.objects.get(provider=world.provider)
    assert checker.get(reverse("portal:registry")).status_code == 200
    assert act(checker, listing, "review") == "review"
    assert act(maker, listing, "list") == "review", "who enters does not list"
    assert act(checker, listing, "list") == "listed"
    assert maker.get(reverse("portal:registry-template")).content.startswith(b"PK")
    assert sign_in("operator1").get(sheet).status_code == 403


def test_a_filed_price_is_entered_by_one_approved_by_another_and_hidden_from_strangers(
    world: World, sign_in: SignIn
) -> None:
    officer, owner = sign_in("officer1"), sign_in("officer2")
    page = officer.post(reverse("portal:registry-new"), terms(world)).url
    listing = ProviderListing.objects.get()
    enter = reverse("portal:registry-file", args=[listing.pk])
    said = {"price": "12.50", "first_on": TODAY.isoformat()}
    assert "没有备案价格" in officer.get(page).content.decode()
    for wrong in ({"price": "0"}, {"price": "x"}, {"first_on": "2026-09-30"}, {"first_on": "2026-11-01"}):
        shown = officer.post(enter, said | wrong).content.decode()
        assert ('aria-invalid="true"' in shown, PriceFiling.objects.count()) == (True, 0)
    officer.post(enter, said)
    filing = PriceFiling.objects.get()
    verbs = {verb: reverse("portal:registry-filing", args=[filing.pk, verb]) for verb in ("approve", "reject", "x")}
    assert officer.post(verbs["approve"]).status_code == 403
    assert owner.post(verbs["x"]).status_code == 404
    stranger = scenes.organization(OrganizationKind.AUTHORITY)
    worlds.person(world, "stranger", stranger, Role.OWNER)
    assert [sign_in("stranger").post(one, said).status_code for one in (enter, verbs["approve"])] == [404, 404]
    with CaptureQueriesContext(connection) as queries:
        assert "待审批" in owner.get(page).content.decode()
    assert len(queries) <= MOST_QUERIES

    owner.post(verbs["approve"])
    owner.post(verbs["reject"])

    filing.refresh_from_db()
    assert (filing.status, filing.price_micro, filing.decided_by.username) == ("approved", 12_500_000, "officer2")
    shown = officer.get(page).content.decode()
    assert ("12.50" in shown, "本活动不要求价格备案" in shown) == (True, True)


def test_an_officer_reads_in_words_what_is_listed_claimed_and_not_answered_yet(world: World, sign_in: SignIn) -> None:
    claim = test_claims_desk.handed_in(world)
    batch = test_claims_desk.batched(world, claim)
    listing, owner = suspended(world), sign_in("officer2")

    def page(name: str, key: object) -> str:
        return owner.get(reverse(f"portal:{name}", args=[key])).content.decode()

    assert "全部 · 2026-10-01 – 2026-10-31" in page("firm", world.provider.pk)
    assert '<span class="muted">1 项申请</span>' in page("registry-listing", listing.pk)
    assert 'data-label="银行回单">–</td>' in page("payment-batch", batch.pk)
    assert "第 1 行：供给方已暂停或已移出名录。" in page("claim-desk", claim.pk)
    assert '<option value="" selected>请选择</option>' in owner.get(reverse("portal:extensions")).content.decode()
