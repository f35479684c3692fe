"""How a parameter of each type is asked for, and how what was typed becomes a document again."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import inspect

from market.models import Category
from portal.fields import ScaledField
from vouchers import choices, labels
from vouchers.parameters import Parameters, codec, formulas
from vouchers.parameters.units import MOST_FEN, Span, Window

FLAT = (Window, Span)  # optional groups that are asked for as two days; both empty is none
CATEGORIES = ("award.eligible_categories", "award.excluded_categories")
ADDED = "+"
ROW = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One parameter that has a value of its own: where it is, its type, and what it says now."""

    path: str
    kind: Any
    value: Any
    row: str = ""
    grouped: str = ""

    @property
    def name(self) -> str:
        """Return the parameter's own name."""
        return self.path.rpartition(".")[2]


@lru_cache
def _schema() -> Any:
    return inspect.type_info(Parameters)


def leaves(parameters: Parameters) -> Iterator[Leaf]:
    """Yield every parameter in order, and an empty row at the end of each list of things."""
    yield from _group("", _schema(), codec.dump(parameters), "", "")


def _group(path: str, kind: Any, value: Any, row: str, grouped: str) -> Iterator[Leaf]:
    for field in kind.fields:
        inner = None if value is None else value.get(field.name)
        yield from _leaf(f"{path}.{field.name}".lstrip("."), _bare(field.type), inner, row, grouped)


def _leaf(path: str, kind: Any, value: Any, row: str, grouped: str) -> Iterator[Leaf]:
    if isinstance(kind, inspect.StructType) and not _is_condition(kind):
        yield from _group(path, kind, value, row, grouped)
    elif isinstance(kind, inspect.UnionType) and _optional_group(kind) in FLAT:
        yield from _group(path, _bare(kind.types[0]), value, row, path)
    elif isinstance(kind, inspect.VarTupleType) and isinstance(_bare(kind.item_type), inspect.StructType):
        rows = [*(value or []), None]
        for number, one in enumerate(rows):
            each = f"{path}[{ADDED if one is None else number}]"
            yield from _group(each, _bare(kind.item_type), one, each, grouped)
    else:
        yield Leaf(path, kind, value, row, grouped)


def _bare(kind: Any) -> Any:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _is_condition(kind: Any) -> bool:
    return getattr(kind, "tag", None) is not None


def _optional_group(kind: Any) -> Any:
    return getattr(_bare(kind.types[0]), "cls", None)


def _plain(kind: Any) -> Any:
    """Return the type of an optional parameter that is there."""
    return _bare(next(one for one in kind.types if not isinstance(one, inspect.NoneType)))


def _label(path: str) -> str:
    """Name a parameter; the rows of a list count from one."""
    another = _("new row")
    told = path.replace(f"[{ADDED}]", f"[{another}]")
    return labels.called(ROW.sub(lambda row: f"[{int(row[1]) + 1}]", told))


def field_of(leaf: Leaf) -> forms.Field:
    """Return the form field of a parameter, filled with what it says now."""
    kind = leaf.kind
    if isinstance(kind, inspect.UnionType) and not any(map(_is_condition, kind.types)):
        kind = _plain(kind)
    common: dict[str, Any] = {
        "label": labels.called(leaf.path.partition(".")[2].replace(f"[{ADDED}]", f"[{_('new')}]"))
    }
    common |= {"required": False, "initial": leaf.value}
    if isinstance(kind, inspect.UnionType):
        return ConditionField(**common)
    if leaf.path in CATEGORIES:
        several: list[Any] = [
            *Category.choices,
            *((one, one) for one in leaf.value or () if one not in Category.values),
        ]
        return forms.MultipleChoiceField(choices=several, widget=forms.CheckboxSelectMultiple, **common)
    made: forms.Field = FIELDS[type(kind)](kind, leaf, common)
    return made


class ConditionField(forms.CharField):
    """A condition as a formula, as it is kept when cleaned."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = gettext_lazy("Like: is_sme and annual_contract_sum_fen <= 50000000")
        super().__init__(max_length=formulas.LONGEST, help_text=help_text, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return formulas.of_document(value) if isinstance(value, dict) else value

    def clean(self, value: Any) -> Any:
        text = value if isinstance(value, dict) else super().clean(value)
        if not text or isinstance(text, dict):
            return text or None
        try:
            return formulas.document_of(text)
        except formulas.BadFormula as error:
            message = _("This is no condition: %(why)s.") % {"why": error}
            raise ValidationError(message, code="formula") from error


class LinesField(forms.CharField):
    """A text for each line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=20_000, widget=forms.Textarea(attrs={"rows": 2}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else "\n".join(value or [])

    def clean(self, value: Any) -> Any:
        text = value if isinstance(value, str) else "\n".join(value or [])
        return [line.strip() for line in super().clean(text).splitlines() if line.strip()]


class HundredthsField(ScaledField):
    """Yuan or per cent as typed, fen or basis points as cleaned."""

    def prepare_value(self, value: Any) -> Any:
        return f"{value // 100}.{value % 100:02d}" if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        return super().clean(self.prepare_value(value))


class GroupField(forms.CharField):
    """A group of parameters that a programme has or has not, as JSON."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = gettext_lazy("Empty, or JSON")
        area = forms.Textarea(attrs={"rows": 2})
        super().__init__(max_length=codec.MOST_BYTES, widget=area, help_text=help_text, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def clean(self, value: Any) -> Any:
        text = super().clean(self.prepare_value(value))
        try:
            return codec.document(text) if text else None
        except codec.BadParameters as error:
            raise ValidationError(_("This is not JSON."), code="json") from error


def _number(kind: Any, leaf: Leaf, common: dict[str, Any]) -> forms.Field:
    least, most = kind.ge, kind.le
    if leaf.name.endswith("_fen") or leaf.name == "bp" or leaf.name.endswith("_bp"):
        common["label"] += " (¥)" if leaf.name.endswith("_fen") else " (%)"
        scaled = HundredthsField(max_length=24, **common)
        scaled.least, scaled.most = least or 0, most or MOST_FEN
        return scaled
    return forms.IntegerField(min_value=least, max_value=most, **common)


def _choice(kind: Any, _leaf: Leaf, common: dict[str, Any]) -> forms.Field:
    named: list[Any] = [(one.value, choices.word(one.value)) for one in kind.cls]
    return forms.ChoiceField(choices=named if common["initial"] else [("", "–"), *named], **common)


def _several(kind: Any, _leaf: Leaf, common: dict[str, Any]) -> forms.Field:
    item = _bare(kind.item_type)
    if not isinstance(item, inspect.EnumType):
        return LinesField(**common)
    named = [(one.value, choices.word(one.value)) for one in item.cls]
    return forms.MultipleChoiceField(choices=named, widget=forms.CheckboxSelectMultiple, **common)


def _day(_kind: Any, _leaf: Leaf, common: dict[str, Any]) -> forms.Field:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **common)


def _truth(_kind: Any, _leaf: Leaf, common: dict[str, Any]) -> forms.Field:
    return forms.BooleanField(**common)


def _text(kind: Any, _leaf: Leaf, common: dict[str, Any]) -> forms.Field:
    long = (kind.max_length or 0) > 200
    return forms.CharField(
        max_length=kind.max_length, widget=forms.Textarea(attrs={"rows": 2}) if long else None, **common
    )


def _group_as_json(_kind: Any, _leaf: Leaf, common: dict[str, Any]) -> forms.Field:
    return GroupField(**common)


FIELDS: dict[type, Any] = {
    inspect.IntType: _number,
    inspect.EnumType: _choice,
    inspect.VarTupleType: _several,
    inspect.DateType: _day,
    inspect.BoolType: _truth,
    inspect.StrType: _text,
    # groups that a programme has or has not are written as JSON by whoever needs them
    inspect.StructType: _group_as_json,
}


def document(asked: Iterable[Leaf], given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what was typed as a document, and where its rows stood in the form."""
    made: dict[str, Any] = {}
    rows: dict[str, dict[str, Any]] = {}
    lists: dict[str, list[Any]] = {}
    for leaf in asked:
        value = given.get(leaf.path)
        if leaf.row:
            lists.setdefault(leaf.row.rpartition("[")[0], [])
            _put(rows.setdefault(leaf.row, {}), leaf.path.removeprefix(leaf.row).lstrip("."), value)
        else:
            _put(made, leaf.path, value)
    places = {}
    for row, content in rows.items():
        if _says_something(content):
            path = row.rpartition("[")[0]
            places[f"{path}[{len(lists[path])}]"] = row
            lists[path].append(content)
    for path, items in lists.items():
        _put(made, path, items)
    return made, places


def _says_something(content: dict[str, Any]) -> bool:
    return any(_says_something(one) if isinstance(one, dict) else bool(one) for one in content.values())


def _put(holder: dict[str, Any], path: str, value: Any) -> None:
    """Write a value at its path; what was left empty is not written, so that the parameter's own default stands."""
    if value is None or value == "":
        return
    *groups, name = path.split(".")
    for group in groups:
        holder = holder.setdefault(group, {})
    holder[name] = value.isoformat() if hasattr(value, "isoformat") else value
