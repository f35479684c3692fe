"""Addresses of vouchers."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from vouchers.api import transparency
from vouchers.api.applications import ApplicationViewSet
from vouchers.api.claims import ClaimViewSet
from vouchers.api.grants import GrantViewSet
from vouchers.api.integrity import ClawbackViewSet, FindingViewSet, TipView
from vouchers.api.programmes import ProgrammeViewSet
from vouchers.api.rounds import RoundViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("programmes", ProgrammeViewSet, basename="programme")
router.register("rounds", RoundViewSet, basename="round")
router.register("applications", ApplicationViewSet, basename="application")
router.register("grants", GrantViewSet, basename="grant")
router.register("claims", ClaimViewSet, basename="claim")
router.register("clawbacks", ClawbackViewSet, basename="clawback")
router.register("findings", FindingViewSet, basename="finding")

log = [
    path("checkpoint", transparency.CheckpointView.as_view(), name="log-checkpoint"),
    path("consistency", transparency.ConsistencyView.as_view(), name="log-consistency"),
    path("inclusion", transparency.InclusionView.as_view(), name="log-inclusion"),
    path("cosignatures", transparency.CosignatureView.as_view(), name="log-cosignatures"),
    path("entries", transparency.EntriesView.as_view(), name="log-entries"),
    path("bundle", transparency.BundleView.as_view(), name="log-bundle"),
]
urlpatterns = [
    path("", include(router.urls)),
    path("tips", TipView.as_view(), name="tips"),
    path("transparency/<slug:algorithm>/", include(log)),
]
