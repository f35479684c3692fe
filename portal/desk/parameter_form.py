"""A form over every parameter of a programme, made from their types: what the types allow is what it asks.

Fields are named by the paths of the parameters, so that what the checks refuse is shown beside what was typed. Lists of
things have a row for each and an empty one to add another; a row that is emptied goes.
"""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import DomainError
from core.periods import next_month
from portal.desk import parameter_fields as kinds
from portal.forms import ConsoleForm
from vouchers import complaints, labels
from vouchers.parameters import Award, Identity, Money, Parameters, Validity, codec
from vouchers.services.programmes import BadRules
from vouchers.services.versions import FIXED


class ParameterForm(ConsoleForm):
    """Every parameter, as of ``parameters``, and why it is changed."""

    reason = forms.CharField(
        label=gettext_lazy("Why it changes"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 2}), required=True
    )

    fixed: Collection[str] = FIXED

    def __init__(self, *args: Any, parameters: Parameters, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.leaves = {leaf.path: leaf for leaf in kinds.leaves(parameters)}
        for path, leaf in self.leaves.items():
            self.fields[path] = kinds.field_of(leaf)
            self.fields[path].disabled = path in self.fixed
        self._dress()

    def groups(self) -> Iterator[tuple[str, list[Any], bool]]:
        """Yield the fields by group, and whether one of them has an error."""
        for group in Parameters.__struct_fields__:
            fields = [self[path] for path in self.leaves if path.partition(".")[0] == group]
            yield str(labels.NAMES[group]), fields, any(field.errors for field in fields)

    def clean(self) -> dict[str, Any]:
        """Read all of it as one set of parameters, and show what cannot be meant beside its field."""
        given = super().clean() or {}
        if not self.errors:
            document, places = kinds.document(self.leaves.values(), given)
            try:
                with complaints.refusing_bad(BadRules):
                    given["parameters"] = codec.load(document)
            except DomainError as error:
                self.refuse(error, places)
        return given

    def refuse(self, error: DomainError, places: dict[str, str] | None = None) -> None:
        """Show a refusal at the parameters that it names, or above the form."""
        for path, text in error.fields.items():
            self.add_error(self._nearest(path, places or {}), str(text))
        if not error.fields:
            self.add_error(None, str(error.detail))

    def _nearest(self, path: str, places: dict[str, str]) -> str | None:
        for written, asked in places.items():  # rows that were emptied move those behind them
            if path.startswith(written):
                path = asked + path.removeprefix(written)
        if "[...]" in path:  # what is read does not say in which row it failed
            return self._in_a_row(*path.split("[...]", 1), rows=list(places.values()))
        within = [name for name in self.leaves if name.startswith(path)]
        around = [name for name in self.leaves if path.startswith(name)]
        return next(iter([*[name for name in within if name == path], *within, *around]), None)

    def _in_a_row(self, before: str, after: str, *, rows: list[str]) -> str | None:
        named = [row + after for row in rows if row.startswith(f"{before}[") and row + after in self.leaves]
        empty = [name for name in named if self.cleaned_data.get(name) in (None, "")]
        return next(iter([*empty, *named]), None)


class ProgrammeForm(ParameterForm):
    """Every parameter of a new programme: nothing is fixed yet, and nothing changes."""

    reason = None  # type: ignore[assignment]
    fixed = ()


def blank(today: date) -> Parameters:
    """Return what a form for a new programme starts with: the next twelve months, and nothing else."""
    opens_on = next_month(today)
    return Parameters(
        identity=Identity(code="", name="", opens_on=opens_on, closes_on=opens_on.replace(year=opens_on.year + 1)),
        money=Money(budget_fen=0),
        award=Award(tiers=(), eligible_categories=()),
        validity=Validity(days=365),
    )


class DocumentForm(ConsoleForm):
    """Parameters as a JSON document, sent as a file or pasted."""

    file = forms.FileField(
        label=gettext_lazy("JSON file"),
        required=False,
        max_length=200,
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )
    text = forms.CharField(
        label=gettext_lazy("or the JSON itself"),
        required=False,
        max_length=codec.MOST_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "class": "form-control code", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        """Take one of both."""
        given = super().clean() or {}
        file = given.get("file")
        if file is not None and file.size > codec.MOST_BYTES:
            raise ValidationError(_("The file has more than %(most)d bytes.") % {"most": codec.MOST_BYTES})
        given["document"] = file.read() if file is not None else given.get("text", "")
        if not given["document"]:
            raise ValidationError(_("Choose a file or paste the JSON."))
        return given

    def parameters(self) -> Parameters:
        """Return the parameters of a valid form.

        :raises BadRules: if they cannot be read or meant.
        """
        with complaints.refusing_bad(BadRules):
            return codec.loads(self.cleaned_data["document"])


class VersionDocumentForm(DocumentForm):
    """The next version as a document, and why it changes."""

    reason = forms.CharField(
        label=gettext_lazy("Why it changes"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    field_order = ["reason", "file", "text"]


def refusals(error: DomainError) -> list[tuple[str, str]]:
    """Return what is wrong with a document, each with the name of its parameter."""
    return [(labels.called(path), str(text)) for path, text in error.fields.items()]
