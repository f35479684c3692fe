"""What every rule leaves as evidence reads as named facts, tables and chains, never as JSON."""

import pytest

from portal import evidence
from tests.market import scenes


@pytest.mark.django_db
def test_the_evidence_of_every_rule_reads_in_words() -> None:
    firm = scenes.buyer("成都样例企业甲")
    shown = evidence.of(
        {
            "share_bp": 6_000,
            "grounds": ["phone", "novel"],
            "chains": [
                {"ground": "shareholding", "share_bp": 6_000, "facts": [HOLDING, BRANCH]},
                {"ground": "phone", "share_bp": None, "facts": [PHONE, DECLARED]},
            ],
            "firms": [{"id": str(firm.pk), "founded_on": "2026-01-02", "face_fen": 100_00}],
            "sides": {"buyer": 100, "provider": 200},
            "places": [f"application/{firm.pk}/{firm.pk}", "claim/0000-12345678", "市财政局"],
            "trade": "contract/HT1",
            "price_micro": 2_200_000,
            "about": "",
            "strange": 7,
        }
    )

    assert [(one.label, one.value) for one in shown.lines] == [
        ("一方持有另一方的最高股权比例", "60%"),
        ("其他关联", "相同电话、novel"),
        ("交易", "合同HT1"),
        ("成交价格", "¥2.20"),
        ("strange", "7"),
    ]
    assert [table.rows for table in shown.tables] == [
        [["成都样例企业甲", "2026-01-02", "¥100.00"]],
        [["需求方", "¥1.00"], ["供给方", "¥2.00"]],
        [["成都样例企业甲的申领"], ["兑付申请12345678"], ["市财政局"]],
    ]
    assert [chain.facts for chain in shown.chains] == [
        [
            "甲自2025-01-01起持有乙 60.00% 的股权（R）。",
            "丙自2025-01-01起为乙的分支机构（R）。",
        ],
        ["甲，电话：…8000，自2025-01-01起（R）。", "人工认定：其他关联关系（举报）。"],
    ]
    assert evidence.of({}).lines == []


HOLDING = {
    "kind": "shareholding",
    "holder": "甲",
    "held": "乙",
    "share_bp": 6_000,
    "valid_from": "2025-01-01",
    "source": "R",
}
BRANCH = HOLDING | {"kind": "branch", "holder": "乙", "held": "丙", "share_bp": 10_000}
PHONE = {"kind": "phone", "organization": "甲", "value": "…8000", "valid_from": "2025-01-01", "source": "R"}
DECLARED = {"kind": "declared", "ground": "other", "source": "举报"}
