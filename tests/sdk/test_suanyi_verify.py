"""The verifier, run as a stranger runs it: every exit code for its own reason."""

import importlib.util
import json
import os
import sys
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from config.runtime.places import CHECKOUT
from tests.vouchers import log
from tests.vouchers.log import SIGNER, forge, kept, note_over, receipt, story
from vouchers import notes
from vouchers.notes import Ed25519Signer

VECTORS = json.loads((CHECKOUT / "sdk" / "verify" / "vectors.json").read_text(encoding="utf-8"))
WITNESS = Ed25519Signer("witness.example", bytes(32))


def verify(folder: Path, lines: list[bytes], *arguments: Any) -> log.Verdict:
    return log.verify(forge(folder, lines), folder / "forged.pub", *arguments)


def test_the_vectors_beside_it_are_those_of_the_platform(tmp_path):
    lines = [line.encode() for line in VECTORS["entries"]]
    (tmp_path / "v.pub").write_text(VECTORS["public_key"], encoding="utf-8")

    assert lines == story()
    assert note_over(lines) == VECTORS["checkpoint"]
    assert log.verify(forge(tmp_path, lines), tmp_path / "v.pub").said.splitlines() == VECTORS["said"]


def test_a_sound_bundle_is_replayed_to_its_balances(tmp_path):
    old = kept(tmp_path, note_over(story()[:5]))

    verdict = verify(tmp_path, story(), "--trusted", old, "--receipt", receipt(tmp_path, story(), 2))

    assert verdict.code == 0, verdict.said
    assert verdict.said.splitlines()[:2] == [
        "QY budget=10000000 unallocated=8000000 available=0 held=0 redeemed=240000 expired=1760000",
        "OK: 7 entries, 1 grants, 1 redemptions",
    ]


def test_2_a_signature_of_someone_else(tmp_path):
    bundle = forge(tmp_path, story(), by=Ed25519Signer(SIGNER.name, bytes(32)))

    assert log.verify(bundle, tmp_path / "forged.pub").code == 2


def test_2_a_witness_who_has_not_cosigned(tmp_path):
    (tmp_path / "w.pub").write_text(str(notes.Key(WITNESS.name, notes.COSIGNATURE, WITNESS.key.raw)), encoding="utf-8")

    assert verify(tmp_path, story(), "--witness", tmp_path / "w.pub").code == 2


def test_3_an_entry_that_was_changed_after_it_was_signed(tmp_path):
    bundle = forge(tmp_path, story())
    note = note_over(story())
    rewritten = forge(tmp_path, story(capture={"amount_fen": 24_000}), name="rewritten")
    with zipfile.ZipFile(rewritten) as old, zipfile.ZipFile(bundle, "w") as new:
        new.writestr("checkpoint", note)
        new.writestr("entries.jsonl", old.read("entries.jsonl"))

    assert log.verify(bundle, tmp_path / "forged.pub").code == 3


def test_4_a_tail_that_was_cut_off(tmp_path):
    old = kept(tmp_path, note_over(story()))

    assert verify(tmp_path, story()[:5], "--trusted", old).code == 4


def test_4_a_history_that_was_rewritten_and_signed_again(tmp_path):
    old = kept(tmp_path, note_over(story()[:4]))

    assert verify(tmp_path, story(hold={"eligible_fen": 2_000_001}), "--trusted", old).code == 4


@pytest.mark.parametrize(
    "change",
    [
        {"leaf_hash": "00" * 32},
        {"payload": story()[1].decode()},
        {"seq": 3},
        {"proof": []},
        {"checkpoint": note_over(story()[:3])},
        {"opening": {"salt": "00", "document": {}}, "payload": story()[2].decode()},
    ],
    ids=["hash", "payload", "place", "proof", "checkpoint", "opening"],
)
def test_5_a_receipt_that_is_not_of_this_log(tmp_path, change):
    lines = story(hold={"document": "ff"})
    made = receipt(tmp_path, lines, 2, lambda it: it.update(change))

    assert verify(tmp_path, lines, "--receipt", made).code == 5


ENDS = {"expires_at": "2025-09-28T16:00:00Z"}
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "overdrawn": ({"hold": {"amount_fen": 2_000_001, "eligible_fen": 9_000_000}}, "I1"),
    "granted beyond the budget": ({"appropriate": {"amount_fen": 1_999_999}}, "I2"),
    "above the year's cap": ({"appropriate": {"entity_year_cap_fen": 599_999}}, "I3"),
    "captured beyond its hold": ({"capture": {"amount_fen": 600_001}}, "I4"),
    "released in part": ({"release": {"amount_fen": 359_999}}, "I4"),
    "above the ratio": ({"hold": {"eligible_fen": 1_999_999}}, "I5"),
    "above an order's cap": ({"appropriate": {"order_cap_fen": 599_999}}, "I5"),
    "used after the expiry": ({"capture": {"used_at": "2026-06-30T16:00:00Z"}}, "I11"),
    "lapsed too early": ({"lapse": {"at": "2026-06-30T15:59:59.999Z"}}, "I11"),
    "refunded beyond its capture": ({"last": {"type": "refund", "redemption": log.IDS["r"]}}, "I12"),
    "captured after its end": ({"last": {"type": "capture", "redemption": log.IDS["r"], "amount_fen": 0}}, "I13"),
    "a budget cut below what is committed": (
        {"last": {"type": "cut", "programme": log.IDS["p"], "amount_fen": 8_000_001}},
        "I23",
    ),
    "a budget that lapses beyond what is left": (
        {"last": {"type": "forgo", "programme": log.IDS["p"], "amount_fen": 8_000_001}},
        "I2",
    ),
    "a version out of turn": (
        {"last": {"type": "version", "programme": log.IDS["p"], "amount_fen": 0, "version": 3}},
        "I22",
    ),
    "extended once it was over": (
        {"last": {"type": "extend", "amount_fen": 0, "expires_at": "2026-07-31T16:00:00Z"}},
        "I11",
    ),
    "held before its days began": ({"grant": {"days": 90}}, "begin with its first use"),
    "days without a number": ({"grant": {"days": "90"}}, "a number of days"),
    "begun where its days count from the approval": (
        {"capture": {"type": "begin", "grant": log.IDS["g"], "amount_fen": 0, "expires_at": "2025-12-31T16:00:00Z"}},
        "begin once",
    ),
    "begun for other days": (
        {"grant": {"days": 90}, "hold": {"type": "begin", "amount_fen": 0, "expires_at": "2025-09-29T16:00:00Z"}},
        "its days from its first use on",
    ),
    "begun once it was over": (
        {"grant": {"days": 90}, "hold": {"type": "begin", "at": "2026-06-30T16:00:00Z", "amount_fen": 0, **ENDS}},
        "does not begin",
    ),
    "begun with value": ({"grant": {"days": 90}, "hold": {"type": "begin", "amount_fen": 1, **ENDS}}, "moves nothing"),
    "another year": ({"hold": {"year": 2026}}, "I24"),
    "a text for an amount": ({"capture": {"amount_fen": "240000"}}, "I26"),
    "an unknown movement": ({"last": {"type": "gift"}}, "gift"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_6_an_honestly_hashed_entry_that_breaks_a_rule(tmp_path, name):
    changes, rule = BROKEN[name]

    verdict = verify(tmp_path, story(**changes))

    assert verdict.code == 6, verdict.said
    assert rule in verdict.said


def test_6_an_amount_with_a_point(tmp_path):
    lines = [line.replace(b"240000", b"240000.0") for line in story()]

    verdict = verify(tmp_path, lines)

    assert (verdict.code, "I26" in verdict.said) == (6, True)


def test_what_is_no_bundle_is_called_so(tmp_path):
    forge(tmp_path, story())
    (tmp_path / "forged.zip").write_bytes(b"no zip")

    assert log.verify(tmp_path / "forged.zip", tmp_path / "forged.pub").code == 1
    assert log.verify(tmp_path / "missing.zip", tmp_path / "forged.pub").code == 1


def test_a_witness_who_has_cosigned_is_found(tmp_path):
    bundle = forge(tmp_path, story())
    note = note_over(story())
    line = WITNESS.cosign(notes.split(note)[0], seconds=1_767_225_600)
    with zipfile.ZipFile(bundle, "w") as out:
        out.writestr("checkpoint", note + line)
        out.writestr("entries.jsonl", b"".join(entry + b"\n" for entry in story()))
    (tmp_path / "w.pub").write_text(str(notes.Key(WITNESS.name, notes.COSIGNATURE, WITNESS.key.raw)), encoding="utf-8")

    assert log.verify(bundle, tmp_path / "forged.pub", "--witness", tmp_path / "w.pub").code == 0


@pytest.fixture
def verifier(monkeypatch):
    """The verifier in this process, where other processes find it too, hashing two entries at once."""
    spec = importlib.util.spec_from_file_location("suanyi_verify", log.VERIFIER)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "suanyi_verify", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "CHUNK", 2)
    return module


def refused(*_arguments: Any) -> None:
    raise OSError("no process can be started here")


def dies(*_arguments: Any) -> None:
    os._exit(1)


@pytest.mark.parametrize("helpers", ["none", "others", "refused", "die"])
def test_who_hashes_changes_no_verdict(tmp_path, verifier, monkeypatch, capsys, helpers):
    monkeypatch.setattr(verifier, "processes", lambda _bundle: 0 if helpers == "none" else 1)
    if helpers == "refused":
        monkeypatch.setattr(verifier, "ProcessPoolExecutor", refused)
    bundle, made = forge(tmp_path, story()), receipt(tmp_path, story(), 5)
    said = [str(bundle), "--pub", str(tmp_path / "forged.pub"), "--receipt", str(made)]
    for size in (3, 4):
        (tmp_path / f"{size}.checkpoint").write_text(note_over(story()[:size]), encoding="utf-8")
        said += ["--trusted", str(tmp_path / f"{size}.checkpoint")]
    late = forge(tmp_path, [*story()[:4], *story(release={"amount_fen": 1})[4:]], name="broken")
    swapped = forge(tmp_path, [*story()[:2], story()[3], story()[2], *story()[4:]], name="swapped")
    if helpers == "die":
        pool = ProcessPoolExecutor
        monkeypatch.setattr(verifier, "ProcessPoolExecutor", lambda many: pool(many, initializer=dies))

    sound = verifier.main(said)
    assert (sound, capsys.readouterr().out.splitlines()[1:2]) == (0, ["OK: 7 entries, 1 grants, 1 redemptions"])
    assert verifier.main([str(swapped), *said[1:]]) == 4
    assert verifier.main([str(late), *said[1:3]]) == 6
    assert capsys.readouterr().out.splitlines()[-1] == (
        "FAILED (6): entry 5: I4: captures and releases are not what was held"
    )


TWICE = story()[6]
ODD = {
    "a space": TWICE.replace(b":360000", b": 360000"),
    "an escape": TWICE.replace(b"lapse", b"\\u006capse"),
    "another order": b'{"at":' + TWICE.split(b'"at":')[1][:-1] + b',"amount_fen":360000}',
    "a key twice": TWICE.replace(b"{", b'{"amount_fen":360000,'),
    "more behind it": TWICE + b"{}",
    "a space before it": b" " + TWICE,
    "no text": TWICE.replace(b"lapse", b"\xff"),
}


@pytest.mark.parametrize("name", ODD)
def test_6_an_entry_like_one_before_that_is_written_in_another_way(tmp_path, name):
    verdict = verify(tmp_path, [*story()[:6], ODD[name]])

    assert (verdict.code, verdict.said[:19]) == (6, "FAILED (6): entry 6"), verdict.said
