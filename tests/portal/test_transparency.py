"""The public page of the log, and receipts to take home."""

import json
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from vouchers.models import Redemption, Witness
from vouchers.services import checkpoints, sequencing


@pytest.fixture(autouse=True)
def _key_of_the_test(settings, tmp_path):
    settings.TRANSPARENCY_KEY_FILE = str(tmp_path / "log.key")


def publish() -> None:
    sequencing.sequence(at=worlds.NOW)
    checkpoints.publish_due(at=worlds.NOW)


@pytest.mark.django_db
def test_the_page_of_an_empty_log_says_so(client: Client) -> None:
    page = client.get(reverse("portal:transparency"), headers={"accept-language": "en"}).content.decode()

    assert "Nothing has been signed yet." in page
    assert "Without at least one outside witness this log proves little." in page


def test_everyone_sees_checkpoints_keys_and_what_they_do_not_prove(world: World, client: Client) -> None:
    Witness.objects.create(name="审计局", public_key="bureau+key")
    publish()

    with CaptureQueriesContext(connection) as queries:
        page = client.get(reverse("portal:transparency")).content.decode()

    assert "suanyi.example/vouchers" in page
    assert checkpoints.signer().public() in page
    assert "审计局" in page
    assert "它不能证明录入的内容属实" in page
    assert len(queries) <= 15


def test_an_owner_downloads_receipts_and_nobody_else_does(world: World, sign_in: SignIn) -> None:
    worlds.place(world, at=worlds.NOW, count=1, hours=1, name="训练")
    publish()
    address = reverse("portal:voucher-receipts", args=[world.grant.pk])
    client = sign_in("buyer")

    with CaptureQueriesContext(connection) as queries:
        (approval,) = client.get(address).json()
        (held,) = client.get(address, {"redemption": Redemption.objects.get().pk}).json()

    assert [json.loads(one["payload"])["type"] for one in (approval, held)] == ["grant", "hold"]
    assert held["proof"]
    assert len(queries) <= 30
    for wrong in [uuid4(), "½", ""]:
        assert client.get(address, {"redemption": wrong}).status_code == 404
    assert sign_in("seller").get(address).status_code == 403
