"""Read the reference tables, refusing what cannot be read exactly."""

import csv
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import TypeVar

from market.reference.facts import AcceleratorFact, CentreFact, HubFact, Precision, Status
from market.reference.places import hub_of

HERE = Path(__file__).parent

Row = dict[str, str]
Record = TypeVar("Record")

LATIN = {
    "海光": "hygon",
    "华为": "huawei",
    "寒武纪": "cambricon",
    "壁仞科技": "biren",
    "天数智芯": "iluvatar",
    "昇腾": "ascend-",
    "深算一号": "shensuan-1",
    "壁砺": "bili-",
    "天垓": "tiangai-",
}
"""Latin names of the vendors and families, for codes that fit in a URL."""


@cache
def accelerators() -> tuple[AcceleratorFact, ...]:
    """Return the card models, each with a code of its own."""
    return read_accelerators(HERE / "accelerators.csv")


@cache
def centres() -> tuple[CentreFact, ...]:
    """Return the computing centres."""
    return read_centres(HERE / "centers.csv")


@cache
def hubs() -> tuple[HubFact, ...]:
    """Return the clusters of the national hubs."""
    return read(HERE / "hubs.csv", lambda row: HubFact(**{key: filled(row, key) for key in ("hub", "side", "cluster")}))


def read_accelerators(path: Path) -> tuple[AcceleratorFact, ...]:
    """Read a table of card models.

    :raises ValueError: naming the file and the line, if a column or a value is not as expected.
    """
    return _distinct(path, read(path, _accelerator), lambda fact: fact.code)


def read_centres(path: Path) -> tuple[CentreFact, ...]:
    """Read a table of centres.

    :raises ValueError: naming the file and the line, if a column or a value is not as expected.
    """
    return _distinct(path, read(path, _centre), lambda fact: fact.name)


def code_of(vendor: str, model: str) -> str:
    """Return the code of a card model: ``huawei-ascend-910b``.

    :raises ValueError: if a part of the name has no Latin form.
    """
    name = f"{vendor} {model}"
    for chinese, latin in LATIN.items():
        name = name.replace(chinese, latin)
    if not name.isascii():
        raise ValueError(f"{vendor} {model} has no Latin name")
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _accelerator(row: Row) -> AcceleratorFact:
    vendor, model = filled(row, "vendor"), filled(row, "model")
    return AcceleratorFact(
        code=code_of(vendor, model),
        vendor=vendor,
        model=model,
        architecture=row["architecture"],
        domestic=_yes(row["domestic"]),
        int8_tops=_decimal(row["peak_int8_tops"]),
        fp16_tflops=_decimal(row["peak_fp16_tflops"]),
        memory_gib=_whole(row["memory_gib"]),
        memory_kind=row["memory_kind"],
        max_power_w=_whole(row["max_power_w"]),
        process_nm=_whole(row["process_nm"]),
        released=row["released"],
        note=row["note"],
    )


def _centre(row: Row) -> CentreFact:
    return CentreFact(
        name=filled(row, "name"),
        builder=row["builder"],
        province=filled(row, "province"),
        city=filled(row, "city"),
        hub=hub_of(row["province"], row["city"]),
        capacity_pflops=_decimal(row["capacity_pflops"]),
        precision=Precision(row["precision"]) if row["precision"] else None,
        status=Status(row["status"]),
        capacity_as_printed=row["capacity_as_printed"],
        note=row["note"],
    )


def read(path: Path, record: Callable[[Row], Record]) -> tuple[Record, ...]:
    """Read a table into records.

    :raises ValueError: naming the file and the line, if a column or a value is not as expected.
    """
    return tuple(_records(path, record))


def _records(path: Path, record: Callable[[Row], Record]) -> Iterator[Record]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line, row in enumerate(csv.DictReader(file, restval=""), start=2):
            try:
                yield record({key: (value or "").strip() for key, value in row.items()})
            except KeyError as error:
                raise ValueError(f"{path.name}: there is no column {error}") from error
            except ValueError as error:
                raise ValueError(f"{path.name}, line {line}: {error}") from error


def _distinct(path: Path, records: tuple[Record, ...], key: Callable[[Record], str]) -> tuple[Record, ...]:
    keys = [key(record) for record in records]
    twice = {one for one in keys if keys.count(one) > 1}
    if twice:
        raise ValueError(f"{path.name}: {', '.join(sorted(twice))} comes twice")
    return records


def filled(row: Row, column: str) -> str:
    """Return what a column holds.

    :raises ValueError: if it is empty.
    """
    if not row[column]:
        raise ValueError(f"{column} is empty")
    return row[column]


def _yes(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError(f"{text!r} is neither yes nor no")
    return text == "yes"


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _decimal(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        figure = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a number") from error
    if not (figure.is_finite() and figure > 0):
        raise ValueError(f"{text!r} is not a positive number")
    return figure
