"""Forms that services judge."""

from collections.abc import Mapping

from django import forms
from django.utils.translation import pgettext

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


def about(thing: object, said: object) -> str:
    """Return what is said about a thing, with what stands between the two in the reader's script."""
    return f"{thing}{pgettext('between a label and what it says', ': ')}{said}"
