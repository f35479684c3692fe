"""Registers of billing, and two people in the admin who bring a transfer into a wallet."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.services.audit import Actor
from billing.models import TopUp, TopUpMethod, TopUpStatus
from billing.services import invoicing, settlement, top_ups
from tests.billing import scenes
from tests.billing.scenes import AT, CARD_HOUR_MS
from tests.billing.services.test_invoicing import CLOSED, OCTOBER

REGISTERS = ["funding", "charge", "invoice", "invoiceseries", "settlement", "topup", "stripeevent"]


def officer(*codenames: str) -> Client:
    user = scenes.person()
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def story(buyer, provider, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, 2 * CARD_HOUR_MS)
    scenes.rate(reservation)
    invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)
    return settlement.settle(provider=provider, month_on=OCTOBER, at=CLOSED)


@pytest.mark.parametrize("name", REGISTERS)
def test_a_register_is_read(story, name):
    answer = officer(f"view_{name}").get(reverse(f"admin:billing_{name}_changelist"))

    assert answer.status_code == 200


@pytest.mark.parametrize("name", REGISTERS)
def test_a_register_is_not_written(story, name):
    client = officer(f"view_{name}", f"add_{name}", f"change_{name}", f"delete_{name}")

    assert client.get(reverse(f"admin:billing_{name}_add")).status_code == 403


def test_a_settlement_shows_what_authorities_owe(story, programme):
    address = reverse("admin:billing_settlement_change", args=[story.pk])

    answer = officer("view_settlement", "view_authoritypayable").get(address)

    assert programme.name in answer.content.decode()
    assert "3.90" in officer("view_settlement").get(reverse("admin:billing_settlement_changelist")).content.decode()


def act(client: Client, action: str, top_up: TopUp) -> str:
    address = reverse("admin:billing_topup_changelist")
    answer = client.post(address, {"action": action, admin.helpers.ACTION_CHECKBOX_NAME: [str(top_up.pk)]}, follow=True)
    return answer.content.decode()


@pytest.fixture
def asked(db):
    poor = scenes.funded_buyer(0)
    return top_ups.create(
        organization=poor, method=TopUpMethod.BANK_TRANSFER, amount_fen=700, actor=Actor(organization=poor), at=AT
    )


def test_two_people_bring_a_transfer_into_a_wallet(asked):
    one, other = (officer("view_topup", "change_topup") for _ in range(2))

    act(one, "register_transfers", asked)
    act(other, "confirm_transfers", asked)

    assert TopUp.objects.get().status == TopUpStatus.SUCCEEDED
    assert scenes.fen(f"wallet/{asked.organization_id}") == 700


def test_one_person_alone_is_told_why_not(asked):
    one = officer("view_topup", "change_topup")
    act(one, "register_transfers", asked)

    page = act(one, "confirm_transfers", asked)

    assert "confirmed by another" in page
    assert TopUp.objects.get().status == TopUpStatus.PENDING


def test_whoever_only_reads_registers_nothing(asked):
    act(officer("view_topup"), "register_transfers", asked)

    assert TopUp.objects.get().status == TopUpStatus.CREATED
