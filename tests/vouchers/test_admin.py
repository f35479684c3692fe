"""Officers at work in the admin: four eyes on programmes and grants, eyes only on facts."""

from datetime import date

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Membership, Organization, OrganizationKind, Role
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, officer
from vouchers.models import Capture, Grant, GrantStatus, Programme, ProgrammeStatus, Redemption
from vouchers.services import redemptions
from vouchers.services.claims import payouts

pytestmark = pytest.mark.django_db
REGISTERS = [
    *("programme", "grant", "redemption", "capture", "refund", "entityyear", "checkpoint", "logentry", "witness"),
    "payoutaccount",
]


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(AT, tick=False):
        yield


def desk(number):
    """Sign officer 1 or 2 in, who own the authorities that there are."""
    user = officer(number).user
    for authority in Organization.objects.authorities():
        Membership.objects.get_or_create(user=user, organization=authority, defaults={"role": Role.OWNER})
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="vouchers"))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def act(client, register, action, row):
    address = f"/admin/vouchers/{register}/"
    answer = client.post(address, {"action": action, "_selected_action": [str(row.pk)]}, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_one_officer_drafts_a_programme_and_another_publishes_it():
    authority, provider = scenes.authority(), scenes.provider()
    rules = scenes.RULES | {"eligible_categories": "GPU_TRAIN,HPC", "min_award_fen": 0, "min_grant_fen": 0}
    form = rules | {"code": "QY", "authority": authority.pk, "providers": [provider.pk]}
    form |= {"mode": "INSTANT_DEDUCT", "round_unit_fen": 1, "grace_days": 7, "partial_when_short": "on"}

    answer = desk(1).post("/admin/vouchers/programme/add/", form)

    assert answer.status_code == 302, answer.context["errors"]
    programme = Programme.objects.get()
    assert (programme.status, programme.drafted_by) == (ProgrammeStatus.DRAFT, officer(1).user)
    assert programme.eligible_categories == ["GPU_TRAIN", "HPC"]
    assert list(programme.providers.all()) == [provider]
    assert act(desk(1), "programme", "publish", programme) == [
        "Qingyang: Another person must approve what you proposed."
    ]
    act(desk(2), "programme", "publish", programme)
    assert Programme.objects.get().status == ProgrammeStatus.PUBLISHED


def test_a_programme_is_paused_resumed_and_closed(programme):
    seen = []
    for action in ["pause", "resume", "close"]:
        act(desk(1), "programme", action, programme)
        seen.append(Programme.objects.get().status)

    assert seen == [ProgrammeStatus.PAUSED, ProgrammeStatus.PUBLISHED, ProgrammeStatus.CLOSED]


def test_one_officer_proposes_a_grant_and_another_approves_it(programme):
    owner = scenes.buyer()

    form = {"programme": programme.pk, "owner": owner.pk, "face_fen": 5_000}
    answer = desk(1).post("/admin/vouchers/grant/add/", form)

    assert answer.status_code == 302
    grant = Grant.objects.get()
    assert (grant.status, grant.proposed_by) == (GrantStatus.PROPOSED, officer(1).user)
    act(desk(1), "grant", "approve", grant)
    assert Grant.objects.get().status == GrantStatus.PROPOSED
    act(desk(2), "grant", "approve", grant)
    assert Grant.objects.get().status == GrantStatus.ACTIVE
    act(desk(1), "grant", "revoke", grant)
    assert Grant.objects.get().status == GrantStatus.REVOKED
    shown = desk(1).get(f"/admin/vouchers/grant/{grant.pk}/change/").content.decode()
    assert f'href="/admin/vouchers/programme/{programme.pk}/change/"' in shown
    assert owner.name in shown
    assert 'href="/admin/accounts/' not in shown  # officers may open no register of organisations or people


def test_a_proposed_grant_is_rejected(programme):
    grant = scenes.grants.propose(programme=programme, owner=scenes.buyer(), face_fen=5, actor=officer(1), at=AT)

    act(desk(2), "grant", "reject", grant)

    assert Grant.objects.get().status == GrantStatus.REJECTED


def test_a_refusal_is_shown_with_what_was_typed_and_nothing_is_written(db):
    programme = scenes.published(min_grant_fen=500_000)

    form = {"programme": programme.pk, "owner": scenes.buyer().pk, "face_fen": 499_999}
    answer = desk(1).post("/admin/vouchers/grant/add/", form)

    shown = answer.context["adminform"].form
    assert [text for texts in shown.errors.values() for text in texts] == [
        "A grant of this programme is at least ¥5,000.00."
    ]
    assert shown["face_fen"].value() == "499999"
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("register", "key"), [("grant", "1"), ("grant", "x\x00"), ("entityyear", "x"), ("witness", "²")]
)
def test_a_chosen_row_without_a_key_is_refused_in_words(register, key):
    answer = desk(1).post(f"/admin/vouchers/{register}/", {"action": "export_rows", "_selected_action": [key]})

    assert answer.status_code == 400


def test_an_unpublished_programme_cannot_be_granted_from(db):
    programme = scenes.draft()

    form = {"programme": programme.pk, "owner": scenes.buyer().pk, "face_fen": 5}
    answer = desk(1).post("/admin/vouchers/grant/add/", form)

    assert "programme" in answer.context["adminform"].form.errors
    assert not Grant.objects.exists()


def test_the_explanation_of_a_redemption_is_readable(grant):
    redemption = scenes.hold(grant, 1_234_567)

    page = desk(1).get(f"/admin/vouchers/redemption/{redemption.pk}/change/").content.decode()

    assert "The programme pays 30.00% of it: ¥3,703.70." in page


def test_a_register_names_states_and_the_unit_of_money_in_the_readers_language(grant):
    scenes.hold(grant, 1_000)
    client = desk(1)

    page = client.get("/admin/vouchers/redemption/", headers={"accept-language": "zh-hans"}).content.decode()
    other = client.get("/admin/vouchers/redemption/?status__exact=captured").content.decode()

    assert "已预留<" in page
    assert ">held<" not in page
    assert "可抵扣支出（元）" in page
    assert "10.00" not in other


@pytest.mark.parametrize("register", REGISTERS)
def test_every_register_opens(grant, register):
    redemption = scenes.hold(grant, 1_000)
    scenes.capture(redemption, 200)
    redemptions.refund(redemption=redemption, reference="refund/1", amount_fen=10, at=AT)

    assert desk(1).get(f"/admin/vouchers/{register}/").status_code == 200


@pytest.mark.parametrize("register", REGISTERS)
def test_nobody_changes_or_deletes_a_row(programme, grant, register):
    redemption = scenes.hold(grant, 1_000)
    scenes.capture(redemption, 200)
    rows = {"programme": programme, "grant": grant, "redemption": redemption, "capture": Capture.objects.get()}
    row = rows.get(register, redemption)

    change = desk(1).post(f"/admin/vouchers/{register}/{row.pk}/change/", {"opens_on": date(2030, 1, 1)})
    delete = desk(1).post(f"/admin/vouchers/{register}/{row.pk}/delete/", {"post": "yes"})

    assert change.status_code in (302, 403)
    assert delete.status_code in (302, 403)
    assert (Programme.objects.count(), Grant.objects.count(), Redemption.objects.count()) == (1, 1, 1)


def test_a_reader_moves_nothing(programme):
    reader = desk(1)
    officer(1).user.user_permissions.set(Permission.objects.filter(codename="view_programme"))

    act(reader, "programme", "pause", programme)

    assert Programme.objects.get().status == ProgrammeStatus.PUBLISHED
    assert reader.get("/admin/vouchers/programme/add/").status_code == 403


def test_an_account_is_read_by_its_last_digits_and_verified_at_the_desk():
    provider = scenes.provider()
    facts = {"organization": provider, "bank": "工商银行", "number": "6222000011112222", "at": AT}
    account = payouts.declare(holder=provider.name, actor=officer(1), **facts)
    operator = scenes.organization(OrganizationKind.OPERATOR)
    Membership.objects.create(user=officer(2).user, organization=operator, role=Role.OWNER)
    client = desk(2)

    listed = client.get("/admin/vouchers/payoutaccount/").content.decode()
    shown = client.get(f"/admin/vouchers/payoutaccount/{account.pk}/change/").content.decode()
    chosen = {"action": "export_rows", "_selected_action": [str(account.pk)]}
    taken_away = client.post("/admin/vouchers/payoutaccount/", chosen).content.decode()

    for text in (listed, shown, taken_away):
        assert ("···2222" in text, "6222000011112222" in text) == (True, False)
    act(client, "payoutaccount", "verify", account)
    assert not provider.payout_accounts.current().exists()
    assert client.get("/admin/vouchers/payoutaccount/add/").status_code == 403
