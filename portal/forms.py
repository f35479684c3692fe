"""The base of our forms: plain Django forms that look like the console."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError

INPUT = "form-control"
UNNAMED = "-" * 9
"""What Django calls the choice of nothing."""
CLASSES: dict[type[Any], str] = {
    forms.Select: "form-select",
    forms.CheckboxInput: "form-check-input",
    forms.CheckboxSelectMultiple: "form-check-input",
    forms.RadioSelect: "form-check-input",
}


class ConsoleForm(forms.Form):
    """A form whose widgets carry Tabler's classes."""

    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self._dress()

    def _dress(self) -> None:
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", CLASSES.get(type(field.widget), INPUT))
            if isinstance(field, forms.ModelChoiceField) and field.empty_label == UNNAMED and field.required:
                field.empty_label = _("Please choose")


class FilterForm(ConsoleForm):
    """Filters in the address: what is valid filters, what is not is shown and left out; chosen nothing means any."""

    def _dress(self) -> None:
        super()._dress()
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField) and field.empty_label == UNNAMED:
                field.empty_label = _("Any")

    def chosen(self) -> dict[str, Any]:
        """Return the valid, non-empty filters."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "", False)}


def require_valid(form: forms.BaseForm) -> None:
    """Ask that a form is sound, where a service would have the next word.

    :raises DomainError: with the first thing that is wrong with it.
    """
    if not form.is_valid():
        raise DomainError(str(next(iter(form.errors.values()))[0]))


def typed(request: HttpRequest, name: str, *, most: int = 500) -> str:
    """Return what was typed beside a button, without what no text of the database can hold."""
    return request.POST.get(name, "").replace("\x00", "").strip()[:most]
