"""What is said to be on record only is a parameter that no code reads; one that counts comes off the list."""

import re
from pathlib import Path

import pytest
from msgspec import structs

from vouchers.parameters import Parameters
from vouchers.parameters.recorded import RECORDED, is_recorded

ROOT = Path(__file__).parents[3]
PRODUCT = [
    file.read_text()
    for app in ("accounts", "billing", "config", "market", "portal", "vouchers")
    for file in (ROOT / app).rglob("*.py")
    if not {"migrations", "parameters"} & set(file.relative_to(ROOT).parts)
]


@pytest.mark.parametrize("path", sorted(RECORDED))
def test_what_is_on_record_only_is_a_parameter_that_nothing_reads(path):
    kind = Parameters
    *groups, name = path.split(".")
    for group in groups:
        kind = {field.name: field.type for field in structs.fields(kind)}[group]

    assert name in {field.name for field in structs.fields(kind)}
    group_dot_name = rf"\b{groups[-1] if groups else 'parameters'}\.{name}\b"
    assert [text for text in PRODUCT if re.search(group_dot_name, text)] == []


def test_the_parts_of_what_is_on_record_only_are_too():
    assert is_recorded("providers.criteria[0].amount_fen")
    assert is_recorded("reporting.frequency")
    assert not is_recorded("money.budget_fen")
    assert not is_recorded("caps.entity_annual_cap_fen")
