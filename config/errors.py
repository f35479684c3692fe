"""Answer errors outside views: problem documents below /api/, pages elsewhere."""

import sys

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from core.api import problems

API = "/api/"
RETRY_AFTER_SECONDS = 1


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself refuses."""
    if request.path.startswith(API):
        return problems.malformed(request)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a page that this visitor may not see."""
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown address."""
    if request.path.startswith(API):
        return problems.page_not_found(request)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a bug, or what the database could not do just now: a deadlock that was lost, a server that restarts."""
    passing = isinstance(sys.exception(), OperationalError)
    if request.path.startswith(API):
        answer: HttpResponse = problems.unavailable(request) if passing else problems.server_error(request)
    else:
        answer = render(request, "503.html", status=503) if passing else defaults.server_error(request)
    if passing:
        answer["Retry-After"] = RETRY_AFTER_SECONDS
    return answer
