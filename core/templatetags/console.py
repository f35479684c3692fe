"""What the console shows of a field that is only read."""

from typing import Any

from django import template
from django.db.models import ForeignKey, Model
from django.utils.html import conditional_escape

register = template.Library()


@register.simple_tag(takes_context=True)
def read_only(context: Any, field: Any) -> str:
    """Return what a field says, or nothing; another row is a link only for those who may open it."""
    row = _other_row(field)
    if row is not None and not _may_open(context["request"], field.model_admin.admin_site, row):
        return conditional_escape(str(row))
    said: str = field.contents()
    return "" if said == "None" else said


def _other_row(field: Any) -> Model | None:
    """Return the row to which a field leads."""
    if not field.resolved_field:
        return None
    described, _attribute, value = field.resolved_field
    return value if isinstance(described, ForeignKey) else None


def _may_open(request: Any, site: Any, row: Model) -> bool:
    register_of = site.get_model_admin(type(row)) if site.is_registered(type(row)) else None
    return register_of is not None and register_of.has_view_permission(request, row)
