"""RFC 9457 problem documents: the one shape in which the API refuses."""

import math
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from core.errors import DomainError

MEDIA_TYPE = "application/problem+json"


class TooLarge(DomainError):
    """The body of a request is larger than we read."""

    code = "too-large"
    status = 413


def problem(*, code: str, status: int, detail: str, **members: Any) -> dict[str, Any]:
    """Return a problem document; ``code`` is stable, ``detail`` is in the caller's language."""
    return {
        "type": f"urn:suanyi:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **members,
    }


def handle(error: Exception, _context: Mapping[str, Any]) -> Response | None:
    """Answer a refusal with a problem document; anything else stays a bug and becomes a 500."""
    error = _in_our_words(error)
    if isinstance(error, DomainError):
        return _respond(_of_domain_error(error), {})
    if isinstance(error, exceptions.APIException):
        return _respond(_of_api_exception(error), _headers(error))
    return None


def _in_our_words(error: Exception) -> Exception:
    """Return Django's refusals as ours or as the framework's."""
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, ValidationError):
        return exceptions.ValidationError(error.messages)
    if isinstance(error, RequestDataTooBig):
        return TooLarge(
            _("The request is larger than %(most)d bytes.") % {"most": settings.DATA_UPLOAD_MAX_MEMORY_SIZE}
        )
    return error


def _respond(document: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(document, status=document["status"], content_type=MEDIA_TYPE, headers=headers)


def _of_domain_error(error: DomainError) -> dict[str, Any]:
    errors = [{"pointer": f"/{name}", "detail": str(text)} for name, text in error.fields.items()]
    members = {"errors": errors} if errors else {}
    return problem(code=error.code, status=error.status, detail=str(error), **members, **error.extra)


def _of_api_exception(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        errors = list(_pointers(error.detail, ""))
        return problem(code="invalid", status=error.status_code, detail=_("The request is not valid."), errors=errors)
    code = str(error.get_codes()).replace("_", "-")
    return problem(code=code, status=error.status_code, detail=str(error.detail))


def _pointers(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _pointers(inner, pointer if name == "non_field_errors" else f"{pointer}/{name}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, (dict, list))
            yield from _pointers(inner, f"{pointer}/{index}" if nested else pointer)
    else:
        yield {"pointer": pointer, "code": getattr(detail, "code", "invalid"), "detail": str(detail)}


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    challenge, wait = getattr(error, "auth_header", None), getattr(error, "wait", None)
    if challenge:
        headers["WWW-Authenticate"] = challenge
    if wait:
        headers["Retry-After"] = str(math.ceil(wait))
    return headers


def plain(*, code: str, status: int, detail: str) -> JsonResponse:
    """Return a problem document outside the API's views."""
    return JsonResponse(problem(code=code, status=status, detail=detail), status=status, content_type=MEDIA_TYPE)


def malformed(_request: HttpRequest) -> JsonResponse:
    """Answer a request that Django refuses before any view sees it."""
    return plain(code="malformed", status=400, detail=_("The request cannot be read."))


def page_not_found(_request: HttpRequest) -> JsonResponse:
    """Answer an unknown address below /api/."""
    return plain(code="not-found", status=404, detail=_("There is nothing at this address."))


def server_error(_request: HttpRequest) -> JsonResponse:
    """Answer a bug below /api/ without telling what it is."""
    return plain(code="internal", status=500, detail=_("Something went wrong on our side."))


def unavailable(_request: HttpRequest) -> JsonResponse:
    """Answer what the database could not do now: nothing was done, and the same request may succeed."""
    return plain(code="unavailable", status=503, detail=_("This could not be done just now. Try again in a moment."))
