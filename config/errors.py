"""Answer errors outside views: problem documents below /api/, pages elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from core.api import problems

API = "/api/"


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
    """Answer a bug."""
    if request.path.startswith(API):
        return problems.server_error(request)
    return defaults.server_error(request)
