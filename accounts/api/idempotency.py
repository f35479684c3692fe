"""``Idempotency-Key`` for POST views."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import organization_of
from accounts.services import idempotency
from accounts.services.idempotency import Answer
from core import clock
from core.api import problems
from core.errors import DomainError

MAX_KEY = 255


class KeyMissing(DomainError):
    """A request with an effect names no ``Idempotency-Key``."""

    code = "idempotency-key-missing"
    status = 400


def key_of(request: Request) -> str:
    """Return the request's key.

    :raises KeyMissing: if it has none, or one that is too long or not printable.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key or len(key) > MAX_KEY or not key.isprintable():
        raise KeyMissing(_("Send an Idempotency-Key header of 1 to 255 printable characters."))
    return key


def idempotent(view: Callable[..., Response]) -> Callable[..., HttpResponse]:
    """Make a POST method of a view answer each key once, also when it refuses."""

    @wraps(view)
    def answered_once(self: APIView, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        body = request.body

        def effect() -> Answer:
            return _run(view, self, request, *args, **kwargs)

        answer = idempotency.answer_once(
            organization=organization_of(request),
            key=key_of(request),
            endpoint=f"{request.method} {request.path}",
            body=body,
            at=clock.now(),
            effect=effect,
        )
        return _respond(answer)

    return answered_once


def _run(view: Callable[..., Response], *args: Any, **kwargs: Any) -> Answer:
    try:
        with transaction.atomic():
            response = view(*args, **kwargs)
    except (DomainError, APIException) as error:
        refusal = problems.handle(error, {})
        if refusal is None:
            raise
        return Answer(
            refusal.status_code,
            JSONRenderer().render(refusal.data),
            problems.MEDIA_TYPE,
        )
    return Answer(response.status_code, JSONRenderer().render(response.data), "application/json")


def _respond(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.media_type)
    if answer.replayed:
        response["Idempotency-Replayed"] = "true"
    return response
