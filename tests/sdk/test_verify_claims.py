"""The verifier as an accountant of claims: I16 and I17 over entries that are honestly hashed and signed."""

from pathlib import Path
from typing import Any

import pytest

from tests.vouchers import log
from tests.vouchers.log import IDS, forge, story
from vouchers import canonical

CLAIM = {"claim": "00000000-0000-0000-0000-00000000000c"}
OTHER = {"claim": "00000000-0000-0000-0000-00000000000d"}
AT = {"v": 1, "at": "2026-08-01T00:00:00Z", "programme": IDS["p"], "claimed_by": "provider", "claimant": "c"}
LINES = {"lines": [[IDS["r"], 240_000]], "digest": "d"}
ASKED = AT | CLAIM | LINES | {"type": "claim", "amount_fen": 240_000}
APPROVED = AT | CLAIM | {"type": "approve", "amount_fen": 240_000, "lines": [[IDS["r"], 240_000]]}
REFUND = {"v": 1, "type": "refund", "redemption": IDS["r"], "at": AT["at"], "amount_fen": 1}


def move(kind: str, **changes: Any) -> dict[str, Any]:
    return AT | CLAIM | {"type": kind, "amount_fen": 240_000} | changes


def verify(folder: Path, *entries: dict[str, Any]) -> log.Verdict:
    bundle = forge(folder, [*story(), *(canonical.encode(entry) for entry in entries)])
    return log.verify(bundle, folder / "forged.pub")


def test_a_claim_is_followed_to_the_account(tmp_path):
    told = (ASKED, APPROVED, move("instruct"), move("bounce"), move("unapprove"), APPROVED, move("instruct"))

    verdict = verify(tmp_path, *told, move("pay"))

    assert verdict.code == 0, verdict.said
    assert "QY claims approved=0 instructed=0 paid=240000" in verdict.said


def test_a_correction_is_claimed_once_its_claim_is_paid(tmp_path):
    less = OTHER | {"lines": [[IDS["r"], -1]], "amount_fen": 0}
    paid = (ASKED, APPROVED, move("instruct"), move("pay"))

    assert verify(tmp_path, *paid, ASKED | less, move("drop", **OTHER, amount_fen=0)).code == 0


DEMAND = {"v": 1, "at": AT["at"], "grant": IDS["g"], "clawback": "c", "principal_fen": 240_000}
DEMANDED = DEMAND | {"type": "demand", "amount_fen": 240_000}
PART = DEMAND | CLAIM | {"type": "offset", "amount_fen": 40_000}
SENT = move("instruct", amount_fen=200_000, set_off_fen=40_000)
SET_OFF = move("setoff", amount_fen=40_000)


def test_what_is_set_off_is_paid_and_less_owed(tmp_path):
    partly = (ASKED, APPROVED, DEMANDED, SENT, PART, SET_OFF, move("pay", amount_fen=200_000))
    wholly = (ASKED, APPROVED, DEMANDED, PART | {"amount_fen": 240_000}, move("setoff"))

    assert verify(tmp_path, *partly).code == 0
    assert verify(tmp_path, *wholly).code == 0


BROKEN: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "a redemption in two claims": ("I17", [ASKED, ASKED | OTHER]),
    "a claim put together twice": ("I17", [ASKED, ASKED]),
    "a redemption named twice": ("I17", [ASKED | {"lines": LINES["lines"] * 2, "amount_fen": 480_000}]),
    "a claim of what was never redeemed": ("I17", [ASKED | {"lines": [[IDS["g"], 1]]}]),
    "lines above the claim": ("I16", [ASKED | {"amount_fen": 239_999}]),
    "approved what the lines are not": ("I16", [ASKED, APPROVED | {"amount_fen": 239_999}]),
    "approved above the claim": (
        "I16",
        [ASKED, APPROVED | {"amount_fen": 240_001, "lines": [[IDS["r"], 240_001]]}],
    ),
    "accepted above what was paid": ("I16", [ASKED | {"amount_fen": 10**6}, REFUND, APPROVED]),
    "accepted again": ("I16", [ASKED, APPROVED, ASKED | OTHER, APPROVED | OTHER]),
    "paid before it was sent": ("I16", [ASKED, APPROVED, move("pay")]),
    "another amount paid": ("I16", [ASKED, APPROVED, move("instruct"), move("pay", amount_fen=240_001)]),
    "paid twice": ("I16", [ASKED, APPROVED, move("instruct"), move("pay"), move("pay")]),
    "sent after it was taken back": ("I16", [ASKED, APPROVED, REFUND, move("instruct")]),
    "another amount sent": ("I16", [ASKED, APPROVED, move("instruct", amount_fen=1)]),
    "set off and not less owed": ("I13", [ASKED, APPROVED, DEMANDED, SENT, SET_OFF]),
    "less owed and not set off": (
        "I13",
        [ASKED, APPROVED, DEMANDED, SENT, PART, SET_OFF, PART, move("pay", amount_fen=200_000)],
    ),
    "withheld and not set off": ("I16", [ASKED, APPROVED, DEMANDED, SENT, move("pay", amount_fen=200_000)]),
    "a part set off as if it were all": ("I16", [ASKED, APPROVED, DEMANDED, PART, SET_OFF]),
    "demanded back and refunded": ("I13", [DEMANDED, REFUND]),
    "another amount dropped": ("I16", [ASKED, move("drop", amount_fen=1)]),
    "a line that is no number": ("I26", [ASKED | {"lines": [[IDS["r"], "240000"]]}]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_6_a_broken_rule_of_claims_is_named(tmp_path, name):
    rule, entries = BROKEN[name]

    verdict = verify(tmp_path, *entries)

    assert verdict.code == 6, verdict.said
    assert rule in verdict.said
