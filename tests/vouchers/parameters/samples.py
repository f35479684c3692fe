"""Parameters to change one by one."""

import json
from datetime import date
from typing import Any

from config.runtime.places import CHECKOUT
from vouchers.parameters import Parameters, codec
from vouchers.parameters.published import parameters_of

PLAIN: dict[str, Any] = {
    "identity": {"code": "QY", "name": "Qingyang", "opens_on": "2025-01-01", "closes_on": "2026-01-01"},
    "money": {"budget_fen": 10_000_000},
    "award": {"tiers": [{"code": "BASE", "bp": 3_000}], "eligible_categories": ["GPU_TRAIN"]},
    "validity": {"days": 365},
}
FACTS = {
    facts["code"]: facts
    for facts in json.loads((CHECKOUT / "vouchers/reference/programmes.json").read_text(encoding="utf-8"))["programs"]
}


def changed(**values: Any) -> dict[str, Any]:
    """Return the plain document with values at dotted paths, written with double underscores."""
    document = json.loads(json.dumps(PLAIN))
    for path, value in values.items():
        group = document
        *steps, name = path.split("__")
        for step in steps:
            group = group.setdefault(step, {})
        group[name] = value
    return document


def plain(**values: Any) -> Parameters:
    return codec.load(changed(**values))


def published(code: str) -> Parameters:
    return parameters_of(FACTS[code], opens_on=date(2025, 1, 1), closes_on=date(2026, 1, 1))
