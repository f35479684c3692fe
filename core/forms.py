"""Forms that services judge."""

from collections.abc import Mapping

from django import forms

from core.errors import DomainError


def show_refusal(form: forms.BaseForm, error: DomainError, names: Mapping[str, str] | None = None) -> None:
    """Show a service's refusal on the form, beside the inputs at fault where it names them."""
    names = names or {}
    beside = {names.get(name, name): text for name, text in error.fields.items()}
    known = {name: text for name, text in beside.items() if name in form.fields}
    for name, text in known.items():
        form.add_error(name, str(text))
    if str(error.detail) not in map(str, known.values()):
        form.add_error(None, str(error.detail))
