"""Forms of the console: choices looked up by key, days of our time, and refusals in the words of services."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import DateField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.forms import show_refusal

__all__ = ["Keyed", "LeftToService", "Looked", "Refused"]
YEARS = range(1900, 2200)


class Keyed(AutocompleteSelect):
    """A choice among many rows, looked up by key: what is no key is nobody's, and not looked for."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if self._may_be_key(one)], attr)

    def _may_be_key(self, value: Any) -> bool:
        try:
            ProhibitNullCharactersValidator()(value)
            self.field.target_field.to_python(value)
        except ValidationError:
            return False
        return True


def _of_our_time(value: date) -> None:
    """Refuse a day with which no calculation could go on: registers that hold one could not even be read."""
    if value.year not in YEARS:
        raise ValidationError(_("Choose a year between 1900 and 2199."), code="year")


class Looked:
    """Forms that look their choices up by key, and take days of our time."""

    if TYPE_CHECKING:
        admin_site: Any
        get_autocomplete_fields: Callable[..., Any]

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc] # of what it is mixed into
        if isinstance(db_field, DateField) and field is not None:
            field.validators = [*field.validators, _of_our_time]
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", Keyed(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc] # of what it is mixed into


class LeftToService(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose service refuses what constraints forbid, in words: Django would say the name of the constraint."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The row of the form is never written, the service's is; the form asks it for its constraints.
        self.instance.validate_constraints = lambda exclude=None: None  # noqa: ARG005 - Django's


class Refused:
    """A form that a service refused: valid by itself, and refused with the service's words."""

    refusal: DomainError

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc] # of the form that this is mixed into
        show_refusal(self, self.refusal)  # type: ignore[arg-type] # likewise
        return cleaned
