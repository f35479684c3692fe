"""Addresses of market; orders are at billing's, which also places them."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from market.api.accelerators import AcceleratorViewSet, Standard
from market.api.imports import OfferingColumns, OfferingFile
from market.api.listings import Listings
from market.api.measurements import Measurements
from market.api.orders import ReservationViewSet
from market.api.price_plans import Price, PricePlans, Tariffs
from market.api.sites import SiteViewSet
from market.api.terms import OfferingConsent, OfferingTerms
from market.api.usage import UsageBatches

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("accelerators", AcceleratorViewSet, basename="accelerator")
router.register("offerings", Listings, basename="offering")
router.register("sites", SiteViewSet, basename="site")
router.register("reservations", ReservationViewSet, basename="reservation")

urlpatterns = [
    path("measure", Standard.as_view(), name="measure"),
    path("usage/batches", UsageBatches.as_view(), name="usage-batches"),
    path("offerings/<uuid:offering_id>/price-plans", PricePlans.as_view(), name="price-plans"),
    path("offerings/<uuid:offering_id>/price", Price.as_view(), name="price"),
    path("offerings/file", OfferingFile.as_view(), name="offering-file"),
    path("offerings/file/columns", OfferingColumns.as_view(), name="offering-columns"),
    path("offerings/<uuid:offering_id>/terms", OfferingTerms.as_view(), name="offering-terms"),
    path("offerings/<uuid:offering_id>/terms/agree", OfferingConsent.as_view(), name="offering-consent"),
    path("measurements", Measurements.as_view(), name="measurements"),
    path("tariffs", Tariffs.as_view(), name="tariffs"),
    path("", include(router.urls)),
]
