"""Set pages with the templates and the font that lie in this repository, so that they look the same everywhere."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

PLACE = Path(__file__).resolve().parents[2] / "typesetting"


def pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """Return a template filled with data as a PDF."""
    made = typst.compile(
        PLACE / f"{template}.typ",
        root=PLACE,
        font_paths=[PLACE / "fonts"],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
    assert isinstance(made, bytes), "without an output path the compiler returns bytes"
    return made
