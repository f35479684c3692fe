"""Forms: what is wrong is said beside the field, and nothing changes."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, SigningKey
from billing.models import Funding, TopUp
from core.periods import SHANGHAI
from market.models import Offering, OfferingStatus, Order, OrderKind, OrderStatus
from market.services import vetting
from tests.billing import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from vouchers.models import Grant, GrantStatus, ProgrammeStatus

JUNK = ["", "0", "-1", "abc", "1e9", "9" * 40, "½", "\x00", "' OR 1=1 --", "<script>alert(1)</script>"]


def order_form(world: World, **changes: Any) -> dict[str, Any]:
    filled = {
        "name": "微调",
        "category": "GPU_TRAIN",
        "accelerators": [str(world.card.pk)],
        "count": "4",
        "hours": "10",
        "start_min": "2026-10-20T12:00",
        "start_max": "2026-10-20T20:00",
        "limit": "2.5",
        "grant": str(world.grant.pk),
    }
    return filled | changes


def offering_form(world: World, **changes: Any) -> dict[str, Any]:
    filled = {
        "name": "推理池",
        "site": str(world.site.pk),
        "accelerator": str(world.card.pk),
        "category": "GPU_INFER",
        "count": "16",
        "price": "1.80",
        "opens_at": "2026-10-21T00:00",
        "closes_at": "",
        "min_count": "1",
        "step_count": "1",
        "max_count": "",
        "max_hours": "",
        "notice_hours": "0",
        "provisioning_minutes": "0",
    }
    return filled | changes


def errors(client: Client, address: str, sent: dict[str, Any]) -> Any:
    answer = client.post(address, sent)
    assert answer.status_code == 200, answer
    return answer.context["form"].errors


def test_a_quote_says_who_would_pay_and_changes_nothing(world: World, sign_in: SignIn) -> None:
    answer = sign_in("trader").post(reverse("portal:order-new"), order_form(world) | {"quote": "1"})

    quote = answer.context["quote"]
    assert (quote.estimate_fen, quote.voucher_fen, quote.wallet_fen) == (100_00, 30_00, 70_00)
    assert quote.wallet_available_fen == worlds.WALLET_FEN
    assert answer.context["steps"]
    assert not Order.objects.exists()


def test_a_quote_says_until_when_a_voucher_waits_for_cards(world: World, sign_in: SignIn) -> None:
    rules = scenes.programme([world.provider], changes={"redemption.hold_ttl_minutes": 90})
    voucher = scenes.grant(world.buyer, rules, at=worlds.NOW)

    answer = sign_in("trader").post(
        reverse("portal:order-new"), order_form(world, grant=str(voucher.pk)) | {"quote": "1"}
    )

    until = answer.context["quote"].good_till.astimezone(SHANGHAI)
    assert f"{until:%Y-%m-%d %H:%M}</time> 仍未匹配到算力卡" in answer.content.decode()


def test_an_order_with_a_voucher_is_placed(world: World, sign_in: SignIn) -> None:
    answer = sign_in("trader").post(reverse("portal:order-new"), order_form(world))

    order = Order.objects.get()
    assert answer["Location"] == reverse("portal:order", args=[order.pk])
    assert (order.buyer, order.count, order.hours, order.limit_micro) == (world.buyer, 4, 10, 2_500_000)
    assert (order.funding.voucher_fen, order.funding.wallet_fen) == (30_00, 70_00)


def test_an_order_goes_into_the_auction_when_the_buyer_says_so(world: World, sign_in: SignIn) -> None:
    sign_in("trader").post(reverse("portal:order-new"), order_form(world, kind="auction"))

    assert Order.objects.get().kind == OrderKind.AUCTION


def test_an_order_takes_its_conditions_along_and_shows_them(world: World, sign_in: SignIn) -> None:
    near = {"ring_max": "1", "home_province": "江苏省", "home_city": "南京市", "pue_max_milli": "1.3"}
    client = sign_in("trader")

    client.post(reverse("portal:order-new"), order_form(world, memory_gib="40", domestic="on", **near))

    order = Order.objects.get()
    asked = (order.conditions.domestic, order.conditions.memory_gib, order.conditions.ring_max)
    assert (*asked, order.conditions.pue_max_milli) == (True, 40, 1, 1_300)
    shown = client.get(reverse("portal:order", args=[order.pk])).content.decode()
    assert "江苏省南京市" in shown
    assert "1.300" in shown


@pytest.mark.parametrize("name", ["count", "hours", "limit", "start_min", "start_max", "category", "accelerators"])
@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_an_order_is_an_error_beside_its_field(world: World, sign_in: SignIn, name: str, junk: str) -> None:
    found = errors(sign_in("trader"), reverse("portal:order-new"), order_form(world, **{name: junk}))

    assert name in found
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"limit": "0.01"}, "limit"),
        ({"start_min": "2026-10-20T20:00", "start_max": "2026-10-20T12:00"}, "start_max"),
        ({"start_min": "2026-10-01T00:00", "start_max": "2026-10-01T05:00"}, "start_max"),
        ({"count": "100000", "hours": "1000"}, "__all__"),
        ({"grant": "0198f000-0000-7000-8000-000000000000"}, "grant"),
    ],
)
def test_what_the_market_refuses_is_said_on_the_form(
    world: World, sign_in: SignIn, changes: dict[str, str], name: str
) -> None:
    found = errors(sign_in("trader"), reverse("portal:order-new"), order_form(world, **changes))

    assert name in found
    assert not Order.objects.exists()
    assert not Funding.objects.exists()


def test_an_order_beyond_the_wallet_is_refused_and_the_gap_is_offered(world: World, sign_in: SignIn) -> None:
    client = sign_in("buyer")
    sent = order_form(world, count="60", hours="500", grant="")

    refused = errors(client, reverse("portal:order-new"), sent)
    quoted = client.post(reverse("portal:order-new"), sent | {"quote": "1"})

    assert "__all__" in refused
    assert not Order.objects.exists()
    assert quoted.context["short_fen"] == 75_000_00 - worlds.WALLET_FEN
    assert "?amount=25000.00" in quoted.content.decode()


def test_an_order_is_cancelled_once(world: World, sign_in: SignIn) -> None:
    order = worlds.place(world, at=worlds.NOW)
    client = sign_in("trader")

    first = client.post(reverse("portal:order-cancel", args=[order.pk]))
    second = client.post(reverse("portal:order-cancel", args=[order.pk]), follow=True)

    order.refresh_from_db()
    assert first.status_code == 302
    assert order.status == OrderStatus.CANCELLED
    assert [message.level_tag for message in second.context["messages"]][-1] == "error"


def test_a_viewer_cannot_cancel(world: World, sign_in: SignIn) -> None:
    order = worlds.place(world, at=worlds.NOW)

    answer = sign_in("viewer").post(reverse("portal:order-cancel", args=[order.pk]))

    order.refresh_from_db()
    assert answer.status_code == 403
    assert order.status == OrderStatus.OPEN


@pytest.mark.parametrize("name", ["order-cancel", "offering-move", "key-revoke", "transfer-act", "grant-move"])
def test_what_changes_things_is_not_done_by_a_link(world: World, sign_in: SignIn, name: str) -> None:
    verbs = {"offering-move": ["pause"], "transfer-act": ["confirm"], "grant-move": ["revoke"]}

    answer = sign_in("buyer").get(reverse(f"portal:{name}", args=[world.grant.pk, *verbs.get(name, [])]))

    assert answer.status_code == 405


def test_a_bank_transfer_gets_a_reference(world: World, sign_in: SignIn) -> None:
    sent = {"amount": "1,234.50", "method": "bank_transfer"}

    answer = sign_in("finance").post(reverse("portal:top-up-new"), sent, follow=True)

    top_up = TopUp.objects.order_by("-pk")[0]
    assert (top_up.organization, top_up.amount_fen) == (world.buyer, 123_450)
    assert answer.context["reference"].startswith("SY-")


@pytest.mark.parametrize(
    "changes", [{"amount": junk} for junk in JUNK] + [{"method": "cheque"}, {"amount": "90000000"}]
)
def test_junk_in_a_top_up_changes_nothing(world: World, sign_in: SignIn, changes: dict[str, str]) -> None:
    sent = {"amount": "100", "method": "bank_transfer"} | changes
    before = TopUp.objects.count()

    assert errors(sign_in("finance"), reverse("portal:top-up-new"), sent)
    assert TopUp.objects.count() == before


def test_a_seller_drafts_lists_pauses_and_archives_an_offering(world: World, sign_in: SignIn) -> None:
    client = sign_in("seller")
    client.post(reverse("portal:offering-new"), offering_form(world))
    drafted = Offering.objects.get(name="推理池")
    seen = [drafted.status]

    for verb in ["submit", "approve", "pause", "resume", "archive"]:
        if verb == "approve":
            vetting.approve(offering=drafted, actor=world.actor("operator1", world.operator), at=worlds.NOW)
        else:
            client.post(reverse("portal:offering-move", args=[drafted.pk, verb]))
        drafted.refresh_from_db()
        seen.append(drafted.status)

    assert drafted.price_micro == 1_800_000
    assert seen == [
        OfferingStatus.DRAFT,
        OfferingStatus.REVIEW,
        OfferingStatus.LISTED,
        OfferingStatus.PAUSED,
        OfferingStatus.LISTED,
        OfferingStatus.ARCHIVED,
    ]


@pytest.mark.parametrize("name", ["site", "accelerator", "category", "count", "price", "opens_at"])
@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_an_offering_is_an_error_beside_its_field(world: World, sign_in: SignIn, name: str, junk: str) -> None:
    found = errors(sign_in("seller"), reverse("portal:offering-new"), offering_form(world, **{name: junk}))

    assert name in found
    assert Offering.objects.count() == 1


@pytest.mark.parametrize(
    "changes", [{"name": "昇腾 910B 训练池"}, {"closes_at": "2026-10-01T00:00"}, {"name": ""}, {"name": "x" * 121}]
)
def test_what_the_services_refuse_of_an_offering_is_said(
    world: World, sign_in: SignIn, changes: dict[str, str]
) -> None:
    assert errors(sign_in("seller"), reverse("portal:offering-new"), offering_form(world, **changes))
    assert Offering.objects.count() == 1


def test_hours_are_closed_and_never_below_what_is_reserved(world: World, sign_in: SignIn) -> None:
    worlds.place(world, at=worlds.NOW)
    worlds.matching.run(at=worlds.NOW)
    client, address = sign_in("seller"), reverse("portal:offering-hours", args=[world.offering.pk])
    why = {"reason": "检修"}

    closed = client.post(
        address, {"starts_at": "2026-10-25T00:00", "ends_at": "2026-10-25T06:00", "capacity": "0"} | why
    )
    refused = client.post(
        address, {"starts_at": "2026-10-20T10:00", "ends_at": "2026-10-20T23:00", "capacity": "0"} | why
    )

    assert closed.status_code == 302
    assert refused.status_code == 200
    assert refused.context["form"].non_field_errors()
    assert world.offering.calendar.filter(capacity=0).count() == 6


def test_an_api_key_is_shown_once(world: World, sign_in: SignIn) -> None:
    client = sign_in("buyer")
    sent = {"name": "CI", "scopes": ["read", "orders"], "lifetime": "90"}

    issued = client.post(reverse("portal:key-issue"), sent)
    later = client.get(reverse("portal:developer"))

    token = issued.context["token"]
    assert token in issued.content.decode()
    assert issued["Cache-Control"] == "no-store"
    assert token not in later.content.decode()
    assert ApiKey.objects.get().scopes == ["read", "orders"]


@pytest.mark.parametrize(
    "sent", [{}, {"name": "x"}, {"name": "x", "scopes": ["usage"]}, {"name": "", "scopes": ["read"]}]
)
def test_a_key_without_name_or_allowed_scope_is_not_issued(sign_in: SignIn, sent: dict[str, Any]) -> None:
    answer = sign_in("buyer").post(reverse("portal:key-issue"), sent)

    assert answer.context["key_form"].errors
    assert not ApiKey.objects.exists()


def test_a_key_is_revoked_by_an_owner_only(world: World, sign_in: SignIn) -> None:
    sign_in("buyer").post(reverse("portal:key-issue"), {"name": "CI", "scopes": ["read"], "lifetime": ""})
    key = ApiKey.objects.get()

    refused = sign_in("trader").post(reverse("portal:key-revoke", args=[key.pk]))
    key.refresh_from_db()
    still_live = key.revoked_at is None
    sign_in("buyer").post(reverse("portal:key-revoke", args=[key.pk]))
    key.refresh_from_db()

    assert (refused.status_code, still_live) == (403, True)
    assert key.revoked_at == worlds.NOW


def test_a_public_key_is_revoked_by_an_owner_of_its_firm_only(world: World, sign_in: SignIn) -> None:
    key = world.signing_key
    address = reverse("portal:signing-key-revoke", args=[key.pk])

    refused = sign_in("buyer").post(address).status_code
    key.refresh_from_db()
    still_live = key.revoked_at is None
    sign_in("seller").post(address)
    key.refresh_from_db()

    assert (refused, still_live) == (403, True)
    assert key.revoked_at == worlds.NOW


@pytest.mark.parametrize("text", ["", "abc", "AAAA", "é", "-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----"])
def test_what_is_no_public_key_is_not_registered(world: World, sign_in: SignIn, text: str) -> None:
    answer = sign_in("seller").post(reverse("portal:signing-key-register"), {"public_key": text})

    assert answer.context["signing_form"].errors
    assert SigningKey.objects.count() == 1


def test_a_public_key_is_registered(world: World, sign_in: SignIn) -> None:
    sent = {"public_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}

    answer = sign_in("seller").post(reverse("portal:signing-key-register"), sent)

    assert answer.status_code == 302
    assert world.provider.signing_keys.count() == 2


def test_a_transfer_needs_two_people(world: World, sign_in: SignIn) -> None:
    top_up = worlds.announce(world.buyer, 500_00)
    maker, checker = sign_in("operator1"), sign_in("operator2")
    register = reverse("portal:transfer-act", args=[top_up.pk, "register"])
    confirm = reverse("portal:transfer-act", args=[top_up.pk, "confirm"])
    seen = []

    for client, address in [(maker, confirm), (maker, register), (maker, confirm), (checker, confirm)]:
        client.post(address)
        top_up.refresh_from_db()
        seen.append(top_up.status)

    assert seen == ["created", "pending", "pending", "succeeded"]
    assert worlds.wallet_fen(world.buyer) == worlds.WALLET_FEN + 500_00


def test_a_transfer_that_does_not_come_is_closed_from_its_row(world: World, sign_in: SignIn) -> None:
    top_up, client = worlds.announce(world.buyer, 500_00), sign_in("operator1")
    close = reverse("portal:transfer-close", args=[top_up.pk])

    refused = client.post(close, {"reason": " ", "query": "status=created"})
    assert refused.context["typed"].on == top_up.pk
    client.post(close, {"reason": "Nothing came in a month", "query": "status=created"})

    top_up.refresh_from_db()
    assert top_up.status == "cancelled"
    assert worlds.wallet_fen(world.buyer) == worlds.WALLET_FEN


def test_a_remark_on_a_statement_finds_its_transfer(world: World, sign_in: SignIn) -> None:
    wanted, _other = worlds.announce(world.buyer, 500_00), worlds.announce(world.buyer, 600_00)
    remark = f"货款 {wanted.bank_reference.lower()} 谢谢"

    answer = sign_in("operator1").get(reverse("portal:transfers"), {"remark": remark})

    assert answer.context["page"].rows == [wanted]


def test_a_programme_is_published_by_a_second_person(world: World, sign_in: SignIn) -> None:
    drafted = worlds.draft_programme(world, code="second")
    address = reverse("portal:programme-move", args=[drafted.pk, "publish"])
    seen = []

    for name in ["officer1", "officer2"]:
        sign_in(name).post(address)
        drafted.refresh_from_db()
        seen.append(drafted.status)

    assert seen == [ProgrammeStatus.DRAFT, ProgrammeStatus.PUBLISHED]


def test_a_grant_is_proposed_by_one_officer_and_approved_by_another(world: World, sign_in: SignIn) -> None:
    sent = {"programme": str(world.programme.pk), "credit_code": world.buyer.credit_code, "face": "2000"}
    sign_in("officer1").post(reverse("portal:grant-new"), sent)
    proposed = Grant.objects.get(status=GrantStatus.PROPOSED)
    seen = []

    for name in ["officer1", "officer2"]:
        sign_in(name).post(reverse("portal:grant-move", args=[proposed.pk, "approve"]))
        proposed.refresh_from_db()
        seen.append(proposed.status)

    assert proposed.face_fen == 200_000
    assert seen == [GrantStatus.PROPOSED, GrantStatus.ACTIVE]


@pytest.mark.parametrize("changes", [{"credit_code": "nobody"}, {"face": "0"}, {"programme": "x"}, {"face": "\x00"}])
def test_junk_in_a_proposal_changes_nothing(world: World, sign_in: SignIn, changes: dict[str, str]) -> None:
    filled = {"programme": str(world.programme.pk), "credit_code": world.buyer.credit_code, "face": "2000"}

    assert errors(sign_in("officer1"), reverse("portal:grant-new"), filled | changes)
    assert Grant.objects.count() == 1
