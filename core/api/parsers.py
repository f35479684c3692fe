"""Read bodies; whatever cannot be read is the client's error."""

import re
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework import parsers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.settings import api_settings

UNKEPT = re.compile("[\x00\ud800-\udfff]")


class JSONParser(parsers.JSONParser):
    """JSON that is not nested so deeply that reading it would exhaust us, and whose texts can be kept and told again.

    JSON may name half a character, and the one that no database keeps.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            body = super().parse(stream, media_type, parser_context)
            wrong = _unkept(body)
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deeply.")) from error
        if wrong:
            raise ValidationError({name: [_("This holds a character that cannot be kept.")] for name in wrong})
        return body


def _unkept(body: Any) -> list[str]:
    """Return the fields of a body that cannot be kept as they are."""
    whole = api_settings.NON_FIELD_ERRORS_KEY
    parts = body.items() if isinstance(body, dict) else [(whole, body)]
    return [name if _is_kept(name) else whole for name, part in parts if not (_is_kept(name) and _is_kept(part))]


def _is_kept(value: Any) -> bool:
    if isinstance(value, str):
        return UNKEPT.search(value) is None
    if isinstance(value, dict):
        return all(_is_kept(name) and _is_kept(part) for name, part in value.items())
    return all(map(_is_kept, value)) if isinstance(value, list) else True
