"""Addresses of market; orders and reservations are at billing's, which also moves the money for them."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from market.api import market_data
from market.api.accelerators import AcceleratorViewSet, Standard
from market.api.auction_rules import PublishedRules
from market.api.downtimes import DowntimeViewSet, OfferingHandover, OfferingReputation, OfferingReviews, ReviewViewSet
from market.api.floors import OfferingFloor
from market.api.imports import OfferingColumns, OfferingFile
from market.api.listings import Listings
from market.api.measurements import Measurements
from market.api.price_plans import Price, PricePlans, Tariffs
from market.api.reservations import ServiceTerms
from market.api.sites import SiteViewSet
from market.api.terms import OfferingConsent, OfferingTerms
from market.api.usage import UsageBatches

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("accelerators", AcceleratorViewSet, basename="accelerator")
router.register("downtimes", DowntimeViewSet, basename="downtime")
router.register("reviews", ReviewViewSet, basename="review")
router.register("offerings", Listings, basename="offering")
router.register("sites", SiteViewSet, basename="site")

urlpatterns = [
    path("measure", Standard.as_view(), name="measure"),
    path("auction-rules", PublishedRules.as_view(), name="auction-rules"),
    path("usage/batches", UsageBatches.as_view(), name="usage-batches"),
    path("offerings/<uuid:offering_id>/price-plans", PricePlans.as_view(), name="price-plans"),
    path("offerings/<uuid:offering_id>/price", Price.as_view(), name="price"),
    path("offerings/<uuid:offering_id>/floor", OfferingFloor.as_view(), name="offering-floor"),
    path("offerings/<uuid:offering_id>/handover", OfferingHandover.as_view(), name="offering-handover"),
    path("offerings/<uuid:offering_id>/reviews", OfferingReviews.as_view(), name="offering-reviews"),
    path("offerings/<uuid:offering_id>/reputation", OfferingReputation.as_view(), name="offering-reputation"),
    path("service-terms", ServiceTerms.as_view(), name="service-terms"),
    path("offerings/file", OfferingFile.as_view(), name="offering-file"),
    path("offerings/file/columns", OfferingColumns.as_view(), name="offering-columns"),
    path("offerings/<uuid:offering_id>/terms", OfferingTerms.as_view(), name="offering-terms"),
    path("offerings/<uuid:offering_id>/terms/agree", OfferingConsent.as_view(), name="offering-consent"),
    path("measurements", Measurements.as_view(), name="measurements"),
    path("tariffs", Tariffs.as_view(), name="tariffs"),
    path("market-data/classes", market_data.Classes.as_view(), name="market-classes"),
    path("market-data/depth", market_data.DepthOfClass.as_view(), name="market-depth"),
    path("market-data/history", market_data.History.as_view(), name="market-history"),
    path("market-data/index", market_data.Index.as_view(), name="market-index"),
    path("market-data/trades", market_data.Trades.as_view(), name="market-trades"),
    path("", include(router.urls)),
]
