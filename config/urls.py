"""Every address of the site."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from config import errors


def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer that the process lives; it says nothing about its servers."""
    return HttpResponse("ok", content_type="text/plain")


api: list[URLPattern | URLResolver] = [
    path("", include("accounts.api.urls")),
    path("", include("market.api.urls")),
    path("", include("vouchers.api.urls")),
    path("", include("billing.api.urls")),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz),
    path("admin/", admin.site.urls),
    path("i18n/setlang/", set_language, name="set_language"),
    path("api/v1/", include((api, "api"))),
    path("", include("portal.urls")),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error
