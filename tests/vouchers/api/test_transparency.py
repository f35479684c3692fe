"""The log over HTTP: proofs for everyone, cosignatures of witnesses, receipts of owners, entries for supervisors."""

import base64
import io
import json
import zipfile

import pytest
from django.test import Client
from django.urls import include, path

from tests.vouchers import log, scenes
from tests.vouchers.api.test_vouchers import _noon, machine  # noqa: F401 - the noon is a fixture
from tests.vouchers.scenes import AT, officer
from vouchers import merkle, notes
from vouchers.models import Checkpoint, Cosignature
from vouchers.notes import COSIGNATURE, Ed25519Signer, Key
from vouchers.services import checkpoints, witnesses

urlpatterns = [path("api/v1/", include("vouchers.api.urls"))]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
WITNESS = Ed25519Signer("bureau.example", bytes(32))
WITNESS_KEY = str(Key(WITNESS.name, COSIGNATURE, WITNESS.key.raw))


@pytest.fixture(autouse=True)
def _key_of_the_test(settings, tmp_path):
    settings.TRANSPARENCY_KEY_FILE = str(tmp_path / "log.key")


def get(address, client=None, **asked):
    return (client or Client()).get(f"/api/v1/transparency/sha256/{address}", asked)


def cosign(line, size):
    body = {"line": line, "size": size}
    return Client().post("/api/v1/transparency/sha256/cosignatures", body, content_type="application/json")


def test_everyone_reads_the_checkpoint_and_proves_that_it_extends_the_last_one(grant):
    old = log.published()
    scenes.hold(grant, 1_000)
    log.published()

    answer = get("checkpoint", since=3).json()

    said = notes.parse_checkpoint(answer["note"])
    notes.parse_key(checkpoints.signer().public()).require_signed(answer["note"])
    merkle.require_consistent(
        merkle.sha256,
        old=3,
        new=4,
        old_root=bytes(old.root),
        new_root=said.root,
        proof=[base64.b64decode(node) for node in answer["consistency"]],
    )
    assert get("consistency", old=3, new=4).json()["proof"] == answer["consistency"]


def test_a_witness_cosigns_what_it_has_checked(grant, tmp_path):
    witnesses.register(name="Bureau", public_key=WITNESS_KEY, actor=officer(1), at=AT)
    made = log.published()
    line = WITNESS.cosign(notes.split(made.note)[0], seconds=1_751_256_000)

    assert [cosign(line, made.size).status_code for _ in range(2)] == [201, 201]

    assert Cosignature.objects.count() == 1
    (tmp_path / "w.pub").write_text(WITNESS_KEY, encoding="utf-8")
    bundle = log.export(tmp_path)
    assert log.verify(bundle, tmp_path / "log.pub", "--witness", tmp_path / "w.pub").code == 0


def test_a_cosignature_of_something_else_or_of_a_stranger_is_refused(grant):
    made = log.published()
    text = notes.split(made.note)[0]

    assert cosign(WITNESS.cosign(text, seconds=1), made.size).status_code == 404
    witnesses.register(name="Bureau", public_key=WITNESS_KEY, actor=officer(1), at=AT)
    for line in [WITNESS.cosign(text + "more\n", seconds=1), "— bureau.example !!!", "x", "— bureau.example AAAA"]:
        assert cosign(line, made.size).status_code in (404, 422)
    assert cosign(WITNESS.cosign(text, seconds=1), 99).status_code == 404
    assert not Cosignature.objects.exists()


@pytest.mark.parametrize("key", ["", "no key", "a+00000000+AAAA", WITNESS.public()])
def test_what_is_no_key_of_a_witness_is_not_registered(db, key):
    with pytest.raises(witnesses.NotAKey):
        witnesses.register(name="Bureau", public_key=key, actor=officer(1), at=AT)


def test_an_owner_has_receipts_of_a_grant_and_of_what_it_paid(grant, tmp_path):
    redemption = scenes.hold(grant, 1_000_000)
    scenes.capture(redemption, 100_000)
    log.published()
    bundle, address = log.export(tmp_path), f"/api/v1/grants/{grant.pk}/receipts"
    client = machine(grant.owner)

    found = client.get(address).json() + client.get(address, {"redemption": redemption.pk}).json()

    assert [json.loads(receipt["payload"])["type"] for receipt in found] == ["grant", "hold", "capture"]
    for receipt in found:
        (tmp_path / "r.json").write_text(json.dumps(receipt), encoding="utf-8")
        assert log.verify(bundle, tmp_path / "log.pub", "--receipt", tmp_path / "r.json").code == 0
    assert machine(scenes.buyer()).get(address).status_code == 404
    assert client.get(address, {"redemption": grant.pk}).status_code == 404


def test_a_receipt_before_the_next_checkpoint_has_no_proof_yet(grant):
    log.published()
    redemption = scenes.hold(grant, 1_000)
    log.sequencing.sequence(at=AT)

    client = machine(grant.owner)
    (receipt,) = client.get(f"/api/v1/grants/{grant.pk}/receipts", {"redemption": redemption.pk}).json()

    assert (receipt["seq"], receipt["checkpoint"], receipt["proof"]) == (3, None, [])


def test_only_those_who_supervise_read_entries_and_bundles(programme, grant):
    log.published()
    authority = machine(programme.authority)

    assert [entry["seq"] for entry in get("entries", authority, start=1).json()] == [1, 2]
    bundle = get("bundle", authority)
    assert zipfile.ZipFile(io.BytesIO(b"".join(bundle.streaming_content))).namelist() == [
        *("manifest.json", "checkpoint", "entries.jsonl")
    ]
    for address in ("entries", "bundle"):
        assert get(address, machine(grant.owner)).status_code == 403
        assert get(address).status_code == 401


@pytest.mark.parametrize(
    ("address", "asked", "status"),
    [
        ("consistency", {"old": 2, "new": 1}, 422),
        ("consistency", {"old": 0, "new": 4}, 422),
        ("consistency", {}, 400),
        ("inclusion", {"seq": 3, "size": 3}, 422),
        ("inclusion", {"seq": 2**60, "size": 3}, 400),
        ("inclusion", {"seq": "½", "size": 3}, 400),
        ("checkpoint", {"since": 99}, 422),
        ("checkpoint", {"since": -1}, 400),
    ],
)
def test_a_tree_that_is_not_there_is_not_proven(grant, address, asked, status):
    log.published()

    assert get(address, **asked).status_code == status


def test_there_is_no_log_before_its_first_entry(db):
    assert get("checkpoint").status_code == 404
    assert not Checkpoint.objects.exists()
