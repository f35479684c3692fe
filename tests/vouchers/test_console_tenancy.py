"""In the console an officer of one authority neither sees nor moves what is another's, and acts there in their role."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Membership, Organization, OrganizationKind, Role, User
from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.models import Finding, Grant, GrantStatus, Programme, ProgrammeStatus, Round, Tip
from vouchers.services import findings, freezing, registry
from vouchers.services.applications import rounds
from vouchers.services.claims import payouts

pytestmark = pytest.mark.django_db
# Registers of the platform as a whole, in which no row is an authority's.
OF_NOBODY = {"blacklisting", "checkpoint", "foreignclaim", "logentry", "witness"}


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def theirs() -> Programme:
    """Fill the registers with rows of an authority."""
    programme = scenes.published(code="THEIRS")
    provider = scenes.provider()
    days = {"valid_from": AT.date(), "valid_until": AT.date() + timedelta(days=9)}
    registry.apply(programme=programme, provider=provider, actor=scenes.officer(1), at=AT, **days)
    window = {"name": "夏季", "opens_at": AT, "closes_at": AT + timedelta(days=9), "method": "first_come"}
    rounds.draft(programme=programme, actor=scenes.officer(1), at=AT, **window)
    granted = scenes.grant(programme)
    paid = scenes.capture(scenes.hold(granted, 10_000), 1_000)
    cases.upheld(granted, [paid], at=AT)
    freezing.freeze(grant=scenes.grant(programme), ground="report", reason="举报", actor=scenes.officer(1), at=AT)
    facts: dict[str, Any] = {"severity": Weight.LOW, "evidence": {}, "programme_id": programme.pk}
    findings.record(suspicions=[Suspicion(rule=Rule.TIP, key="k", **facts)], at=AT)
    told = {"text": "未实际使用", "contact": "13800138000", "received_at": AT}
    Tip.objects.create(finding=Finding.objects.get(), **told)
    account = {"organization": provider, "bank": "工商银行", "number": "6222000011112222", "holder": provider.name}
    payouts.declare(**account, actor=scenes.officer(1), at=AT)
    scenes.grants.propose(programme=programme, owner=scenes.buyer(), face_fen=5, actor=scenes.officer(1), at=AT)
    return programme


def staff(name: str, *seats: tuple[Organization, str]) -> Client:
    """Sign in somebody who may do everything with vouchers in the console, and has seats."""
    user = User.objects.create(username=name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="vouchers"))
    for organization, role in seats:
        Membership.objects.create(user=user, organization=organization, role=role)
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(client: Client, register: str) -> set[str]:
    page = client.get(f"/admin/vouchers/{register}/")
    return {str(row.pk) for row in page.context["cl"].result_list}


def registers() -> list[Any]:
    models = [model for model in admin.site._registry if model._meta.app_label == "vouchers"]
    return [model for model in models if model._meta.model_name not in OF_NOBODY]


def test_each_register_shows_officers_the_rows_of_their_authority_alone(theirs: Programme) -> None:
    ours = staff("ours", (scenes.authority(), Role.OWNER))
    panel = staff("panel", (theirs.authority, Role.EXPERT))
    own = staff("own", (theirs.authority, Role.OWNER), (scenes.authority(), Role.OWNER))
    operator = staff("operator", (scenes.organization(OrganizationKind.OPERATOR), Role.OWNER))
    former = staff("former")
    filled = set()

    for model in registers():
        name, everything = model._meta.model_name, {str(row.pk) for row in model._default_manager.all()}
        assert (name, shown(ours, name)) == (name, set())
        assert (name, shown(panel, name)) == (name, set()), "whoever scores reads no registers at the desk either"
        assert (name, shown(operator, name)) == (name, everything)
        assert (name, shown(former, name)) == (name, set()), "who was let go keeps the rights of the console"
        assert (name, shown(own, name)) == (name, set() if name == "payoutaccount" else everything)
        for key in everything:
            for page in ("change", "history", "delete"):
                assert ours.get(f"/admin/vouchers/{name}/{key}/{page}/").status_code in (302, 403), (name, page)
        filled |= {name} if everything else set()

    assert "13800138000" not in own.get(f"/admin/vouchers/tip/{Tip.objects.get().pk}/change/").content.decode()
    assert filled >= {"programme", "grant", "redemption", "capture", "round", "providerlisting", "freeze", "finding"}
    assert filled >= {"clawback", "entityyear", "payoutaccount"}


def test_an_officer_moves_no_row_of_another_authority(theirs: Programme) -> None:
    ours = staff("ours", (scenes.authority(), Role.OWNER))
    waiting = Grant.objects.get(status=GrantStatus.PROPOSED)

    for register, action, row in [
        ("programme", "close", theirs),
        ("grant", "approve", waiting),
        ("round", "open_rounds", Round.objects.get()),
        ("grant", "export_rows", waiting),
    ]:
        sent = {"action": action, "_selected_action": [str(row.pk)], "select_across": "1"}
        answer = ours.post(f"/admin/vouchers/{register}/", sent)
        assert str(row.pk) not in answer.content.decode()

    assert Programme.objects.get(pk=theirs.pk).status == ProgrammeStatus.PUBLISHED
    assert Grant.objects.get(pk=waiting.pk).status == GrantStatus.PROPOSED
    assert Round.objects.get().status == "draft"


def test_forms_and_filters_offer_officers_what_is_theirs(theirs: Programme) -> None:
    authority = scenes.authority()
    ours = staff("ours", (authority, Role.OWNER))
    firm, provider = scenes.buyer(), scenes.provider()
    forms = {
        "programme": {"authority": theirs.authority.pk},
        "grant": {"programme": theirs.pk, "owner": firm.pk, "face_fen": "500000"},
        "round": {"programme": theirs.pk, "name": "秋季"},
        "providerlisting": {"programme": theirs.pk, "provider": provider.pk},
    }

    for register, sent in forms.items():
        address = f"/admin/vouchers/{register}/add/"
        assert theirs.name not in ours.get(address).content.decode()
        errors = ours.post(address, sent).context["adminform"].form.errors
        assert {"authority", "programme"} & set(errors), register
    mine = [scenes.draft(authority=authority), scenes.draft(authority=authority)]
    page = ours.get("/admin/vouchers/grant/").content.decode() + ours.get("/admin/vouchers/programme/").content.decode()
    assert theirs.code not in page
    assert mine[0].code in page


def test_an_officer_acts_in_the_console_in_the_role_that_they_have_in_the_authority(theirs: Programme) -> None:
    payer = staff("payer", (theirs.authority, Role.FINANCE))
    owner = staff("owner", (theirs.authority, Role.OWNER))
    waiting = Grant.objects.get(status=GrantStatus.PROPOSED)
    chosen = {"action": "approve", "_selected_action": [str(waiting.pk)]}

    refused = payer.post("/admin/vouchers/grant/", chosen, follow=True)
    assert [str(one) for one in refused.context["messages"]] == [f"{waiting}: Your role does not allow this."]
    form = {"programme": theirs.pk, "owner": scenes.buyer().pk, "face_fen": "500000"}
    proposed = payer.post("/admin/vouchers/grant/add/", form)
    assert proposed.context["adminform"].form.non_field_errors() == ["Your role does not allow this."]
    owner.post("/admin/vouchers/grant/", chosen)

    assert Grant.objects.get(pk=waiting.pk).status == GrantStatus.ACTIVE
