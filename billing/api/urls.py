"""Addresses of billing."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from billing.api import money
from billing.api.approvals import Approvals, Limit
from billing.api.blocks import Blocks
from billing.api.held_quotes import HeldQuotes, Purchases
from billing.api.lines import LineCosts
from billing.api.orders import Orders
from billing.api.reservations import Reservations
from billing.api.rfqs import Rfqs

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("orders/approvals", Approvals, basename="approval")
router.register("orders/quotes", HeldQuotes, basename="quote")
router.register("orders", Orders, basename="order")
router.register("reservations", Reservations, basename="reservation")
router.register("rfqs", Rfqs, basename="rfq")
router.register("charges", money.ChargeViewSet, basename="charge")
router.register("invoices", money.InvoiceViewSet, basename="invoice")
router.register("settlements", money.SettlementViewSet, basename="settlement")
router.register("top-ups", money.TopUpViewSet, basename="top-up")

urlpatterns = [
    path("orders/purchases", Purchases.as_view(), name="purchases"),
    path("orders/spending-limit", Limit.as_view(), name="spending-limit"),
    path("orders/lines/quote", LineCosts.as_view(), name="line-costs"),
    path("orders/blocks", Blocks.as_view(), name="blocks"),
    path("wallet", money.WalletView.as_view(), name="wallet"),
    path("stripe/webhook", money.stripe_webhook, name="stripe-webhook"),
    path("", include(router.urls)),
]
