"""Addresses of vouchers."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from vouchers.api.grants import GrantViewSet
from vouchers.api.programmes import ProgrammeViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("programmes", ProgrammeViewSet, basename="programme")
router.register("grants", GrantViewSet, basename="grant")

urlpatterns = [path("", include(router.urls))]
