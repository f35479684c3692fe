"""Reading what was charged, invoiced and settled; topping up the wallet."""

from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from billing import selectors
from billing.api.serializers import ChargeOut, InvoiceOut, SettlementOut, StartTopUp, TopUpOut, WalletOut
from billing.gateways.ports import BadSignature, MalformedEvent
from billing.models import Charge, Invoice, Settlement, TopUp, TopUpMethod
from billing.services import stripe_payments, top_ups
from billing.services.stripe_payments import gateway_in_use
from core import clock
from core.api import problems
from core.api.pagination import KeysetPagination
from core.api.parsers import JSONParser
from core.prefetching import in_order


class WalletView(APIView):
    """The wallet of the key's organisation."""

    permission_classes = [HasScope]

    @extend_schema(responses=WalletOut)
    def get(self, request: Request) -> Response:
        return Response(WalletOut(selectors.wallet(organization_of(request))).data)


class Facts(ReadOnlyModelViewSet[Any]):
    """A list of facts that the key's organisation may see, latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-pk",)
    filter_backends: list[Any] = []


class ChargeViewSet(Facts):
    """Charges of the key's organisation, as buyer or provider."""

    serializer_class = ChargeOut
    queryset = Charge.objects.none()
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Charge]:
        return Charge.objects.visible_to(organization_of(self.request)).select_related("reservation", "line_charge")


class InvoiceViewSet(Facts):
    """Invoices to or from the key's organisation."""

    serializer_class = InvoiceOut
    queryset = Invoice.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Invoice]:
        return Invoice.objects.visible_to(organization_of(self.request)).select_related("issuer")


class SettlementViewSet(Facts):
    """Settlements of the key's organisation."""

    serializer_class = SettlementOut
    queryset = Settlement.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Settlement]:
        mine = Settlement.objects.of_provider(organization_of(self.request))
        parts = in_order(Settlement, "authority_payables", "commission_bases")
        return mine.prefetch_related(*parts, "authority_payables__programme", "commission_bases__programme")


class TopUpViewSet(Facts):
    """Top-ups of the key's organisation; POST starts one."""

    serializer_class = TopUpOut
    queryset = TopUp.objects.none()
    lookup_value_converter = "uuid"
    required_scope = "payments"
    parser_classes = [JSONParser]

    def get_queryset(self) -> QuerySet[TopUp]:
        return TopUp.objects.of_organization(organization_of(self.request))

    @extend_schema(request=StartTopUp, responses={201: TopUpOut})
    @idempotent
    def create(self, request: Request) -> Response:
        """Note a bank transfer that will come, or a payment that is about to be opened at Stripe.

        Stripe is called after the commit; the payment intent then appears on the top-up.
        """
        form = StartTopUp(data=request.data)
        form.is_valid(raise_exception=True)
        top_up = top_ups.create(
            organization=organization_of(request), actor=actor_of(request), at=clock.now(), **form.validated_data
        )
        if top_up.method != TopUpMethod.BANK_TRANSFER:
            nudge = partial(current_app.send_task, "billing.heal_top_up", kwargs={"top_up_id": str(top_up.pk)})
            transaction.on_commit(nudge)
        return Response(TopUpOut(top_up).data, status=201)


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Keep a signed event of Stripe and answer at once; a sweep works on it."""
    signature = request.headers.get("Stripe-Signature", "")
    try:
        stripe_payments.receive_event(gateway=gateway_in_use(), body=request.body, signature=signature, at=clock.now())
    except (BadSignature, MalformedEvent) as error:
        return problems.plain(code=error.code, status=error.status, detail=str(error))
    return HttpResponse(status=200)
