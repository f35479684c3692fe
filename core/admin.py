"""The admin shows facts and never changes them."""

import csv
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.filters import ChoicesFieldListFilter, FieldListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import display_for_field, flatten_fieldsets, label_for_field, lookup_field
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import ForeignKey, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from core.admin_forms import LeftToService, Looked, Refused
from core.cells import escaped
from core.errors import DomainError
from core.fields import StatusField
from core.money import format_micro, format_yuan

if TYPE_CHECKING:  # the console's classes have no types, and Django's are their bases
    from django.contrib.admin import ModelAdmin as Plain
    from django.contrib.admin import TabularInline
else:
    from unfold.admin import ModelAdmin as Plain
    from unfold.admin import TabularInline

__all__ = [
    "LeftToService",
    "ModelAdmin",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "RefusalsShown",
    "RelatedInline",
    "price",
    "yuan",
]
FieldListFilter.register(lambda field: isinstance(field, StatusField), ChoicesFieldListFilter, take_priority=True)
UNITS = {"fen": (_("(fen)"), format_yuan), "micro": (_("(micro-yuan)"), format_micro)}
BYTE_ORDER_MARK = "\ufeff"  # without it Excel does not see Chinese


def yuan(name: str, label: Any) -> Callable[[Any], str]:
    """Return a column that shows a fen field in yuan."""
    return _column(name, format_lazy(_("{amount} (yuan)"), amount=label), format_yuan)


def price(name: str, label: Any) -> Callable[[Any], str]:
    """Return a column that shows a micro-yuan field in yuan; the label says for what."""
    return _column(name, label, format_micro)


def _column(name: str, label: Any, write: Callable[[int], str]) -> Callable[[Any], str]:
    @admin.display(description=label, ordering=name)
    def column(row: Any) -> str:
        number = getattr(row, name)
        return "–" if number is None else write(number)

    column.__name__ = f"{name}_yuan"
    return column


def _in_yuan(field: Any) -> Any:
    """Return what shows a field of a page that is read only: money in yuan, everything else as it is.

    A field says in its name in which unit it counts, and so does its label.
    """
    unit, write = UNITS.get(field.name.rpartition("_")[2], (None, None))
    if unit is None or write is None:
        return field.name

    @admin.display(description=_label_in_yuan(field, unit), ordering=field.name)
    def shown(row: Any) -> str:
        value = getattr(row, field.name)
        if isinstance(value, list):
            return ", ".join(map(write, value)) or "–"
        return "–" if value is None else write(value)

    shown.__name__ = f"{field.name}_yuan"
    return shown


def _label_in_yuan(field: Any, unit: Any) -> Any:
    return lazy(lambda: str(field.verbose_name).replace(str(unit), str(_("(yuan)"))), str)()


def _key(field: Any) -> Callable[[Any], Any]:
    """Return a column that shows the key of a row without asking for the row, under the name of what it leads to."""

    @admin.display(description=field.verbose_name, ordering=field.attname)
    def column(row: Any) -> Any:
        return getattr(row, field.attname)

    column.__name__ = field.attname
    return column


class _MoneyInYuan:
    """Fields that are only read show money as the lists do, in yuan; a form goes on to take what services take."""

    if TYPE_CHECKING:
        opts: Any
        has_change_permission: Callable[..., bool]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc] # of the class that this is mixed into
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        known = {field.name: _in_yuan(field) for field in self.opts.concrete_fields}
        return [(title, {**told, "fields": _each(told["fields"], known)}) for title, told in fieldsets]


def _each(names: Any, known: dict[str, Any]) -> list[Any]:
    """Return fields, some of them side by side, as they are shown."""
    return [_each(one, known) if isinstance(one, list | tuple) else known.get(one, one) for one in names]


class ModelAdmin(Looked, _MoneyInYuan, Plain):  # type: ignore[type-arg]
    """A register of the console. Chosen rows are named by their keys; what is no key is refused, and not looked for."""

    def get_list_display(self, request: HttpRequest) -> Any:
        """Name columns of keys as people call what they lead to: Django would say “Charge id” in every language."""
        fields = self.opts.concrete_fields
        keys: dict[Any, Any] = {field.attname: _key(field) for field in fields if isinstance(field, ForeignKey)}
        return [keys.get(column, column) for column in super().get_list_display(request)]

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if any("\x00" in "".join(values) for name, values in request.GET.lists() if name != SEARCH_VAR):
            raise SuspiciousOperation("no row is filtered by what no text of the database can hold")
        return super().changelist_view(request, *args, **kwargs)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Filter neither by patterns, which may be none and may take for ever, nor by what the page does not show."""
        name, _rest, _all = lookup.partition(LOOKUP_SEP)
        if lookup.endswith("regex") or name in (self.exclude or ()):
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row of a key; what no text of the database can hold is no row's."""
        return None if "\x00" in object_id else super().get_object(request, object_id, from_field)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Let forms begin empty: what stands in an address may be nothing that a field could show."""
        return {}

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Look for what is typed; where no list looks at it first, it may be what no text of the database can hold."""
        return super().get_search_results(request, queryset, search_term.replace("\x00", ""))

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                ProhibitNullCharactersValidator()(key)
                self.opts.pk.to_python(key)
        except ValidationError as error:
            raise SuspiciousOperation("a chosen row has no such key") from error
        return super().response_action(request, queryset, *args, **kwargs)


class RefusalsShown(ModelAdmin):
    """A form whose service may refuse what was entered: it is there again, with what was typed and the refusal."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DomainError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined] # read by get_form, which makes the form invalid
            return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Django's
        form = super().get_form(request, obj, change=change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return form if refusal is None else type(form.__name__, (Refused, form), {"refusal": refusal})


class RelatedInline(Looked, _MoneyInYuan, TabularInline):  # type: ignore[type-arg]
    """Rows below another, read with the rows to which they lead: one query, however many there are."""

    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        if "fields" not in kwargs:  # the form knows fields by their names, whatever shows them
            shown = flatten_fieldsets(self.get_fieldsets(request, obj))
            kwargs["fields"] = [getattr(one, "admin_order_field", one) for one in shown]
        return super().get_formset(request, obj, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        leading = [field.name for field in self.opts.concrete_fields if isinstance(field, ForeignKey)]
        return super().get_queryset(request).select_related(*leading)


class ReadOnlyInline(RelatedInline):
    """Facts below another, that nobody adds, changes or takes away there."""

    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ModelAdmin):
    """A register: everyone with the view permission reads it and takes its rows away, nobody writes it."""

    show_full_result_count = False
    list_per_page = 50
    compressed_fields = True
    list_filter_submit = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        export = self.get_action("export_rows")
        return {"export_rows": export} | actions if export and self.has_view_permission(request) else actions

    @admin.action(description=_("Export the selected rows (CSV)"))
    def export_rows(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Hand out the columns of the list as a CSV file that a spreadsheet reads and never runs."""
        columns = [name for name in self.get_list_display(request) if name != "action_checkbox"]
        answer = HttpResponse(BYTE_ORDER_MARK, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{self.opts.model_name}.csv"'
        writer = csv.writer(answer)
        writer.writerow([escaped(str(label_for_field(name, self.model, self))) for name in columns])
        writer.writerows([escaped(self._cell(name, row)) for name in columns] for row in queryset)
        return answer

    def _cell(self, name: Any, row: Any) -> str:
        field, _attribute, value = lookup_field(name, row, self)
        return str(value if field is None else display_for_field(value, field, ""))
