"""Sections of the industrial classification (GB/T 4754-2017) by the code that a firm states: ``65``, ``I65``."""

import re
from collections import defaultdict
from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from vouchers.reached import Reached

DIVISION = re.compile(r"^[A-T]?(\d{2})\d{0,2}$")
SECTIONS: list[tuple[str, range, Promise]] = [
    ("A", range(1, 6), _("Agriculture, forestry and fishery")),
    ("B", range(6, 13), _("Mining")),
    ("C", range(13, 44), _("Manufacturing")),
    ("D", range(44, 47), _("Electricity, heat, gas and water")),
    ("E", range(47, 51), _("Construction")),
    ("F", range(51, 53), _("Wholesale and retail")),
    ("G", range(53, 61), _("Transport, storage and post")),
    ("H", range(61, 63), _("Accommodation and catering")),
    ("I", range(63, 66), _("Software and information services")),
    ("J", range(66, 70), _("Financial services")),
    ("K", range(70, 71), _("Real estate")),
    ("L", range(71, 73), _("Leasing and business services")),
    ("M", range(73, 76), _("Scientific research and technical services")),
    ("N", range(76, 80), _("Water, environment and public facilities")),
    ("O", range(80, 83), _("Services to households and repair")),
    ("P", range(83, 84), _("Education")),
    ("Q", range(84, 86), _("Health and social work")),
    ("R", range(86, 91), _("Culture, sports and entertainment")),
    ("S", range(91, 97), _("Public administration")),
    ("T", range(97, 98), _("International organisations")),
]
NAMES = {letter: name for letter, _divisions, name in SECTIONS}


def section(code: str) -> str:
    """Return the letter of a code's section; nothing for what is no code of the classification."""
    text = code.strip().upper()
    if text in NAMES:
        return text
    found = DIVISION.match(text)
    number = int(found[1]) if found else 0
    return next((letter for letter, divisions, _name in SECTIONS if number in divisions), "")


def by_section(rows: Sequence[Reached]) -> list[Reached]:
    """Add up firms by the section of the industry that they state; each firm states one."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in rows:
        if one.axis == "industry":
            letter = section(one.label)
            sums[letter] = [a + b for a, b in zip(sums[letter], one[2:], strict=True)]
    made = [Reached("industry", letter, *numbers) for letter, numbers in sums.items()]
    return sorted(made, key=lambda one: (-one.granted_fen, one.label))
