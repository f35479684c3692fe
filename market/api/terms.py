"""Terms of service of an offering: providers publish them, buyers agree to the text that counts."""

from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from accounts.models import OrganizationKind
from core import clock
from core.api.serializers import StrictSerializer
from core.errors import NotFound
from market.api.offerings import own_offering, visible_offering
from market.models import ServiceTerms, TermsConsent
from market.services import terms


class ServiceTermsOut(serializers.ModelSerializer[ServiceTerms]):
    """A version of terms; ``agreed`` says whether the key's organisation has agreed to it."""

    agreed = serializers.BooleanField(default=False)

    class Meta:
        model = ServiceTerms
        fields = ["version", "sha256", "published_at", "text", "agreed"]
        read_only_fields = fields


class PublishTerms(StrictSerializer):
    """The text of the next version."""

    text = serializers.CharField(max_length=terms.MOST_CHARACTERS, trim_whitespace=False)


class AgreeToTerms(StrictSerializer):
    """Which text is agreed to."""

    sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")


class ConsentOut(serializers.ModelSerializer[TermsConsent]):
    """Who agreed to which text, when."""

    version = serializers.IntegerField(source="terms.version")

    class Meta:
        model = TermsConsent
        fields = ["version", "sha256", "at"]
        read_only_fields = fields


class OfferingTerms(APIView):
    """The terms of an offering that count."""

    permission_classes = [HasScope]
    required_scope = "offerings"

    @extend_schema(operation_id="offerings_terms_read", responses=ServiceTermsOut)
    def get(self, request: Request, offering_id: UUID) -> Response:
        """Return the terms that count; 404 where an offering has none."""
        found = terms.current([visible_offering(request, offering_id)]).get(offering_id)
        if found is None:
            raise NotFound(_("The offering has no terms of its own."))
        buyer = organization_of(request).pk
        found.agreed = found.pk in terms.agreed([buyer], [found]).get(buyer, ())
        return Response(ServiceTermsOut(found).data)

    @extend_schema(operation_id="offerings_terms_publish", request=PublishTerms, responses={201: ServiceTermsOut})
    @idempotent
    def post(self, request: Request, offering_id: UUID) -> Response:
        """Publish the next version: buyers have to agree to it before their next order."""
        form = PublishTerms(data=request.data)
        form.is_valid(raise_exception=True)
        offering = own_offering(request, offering_id)
        published = terms.publish(
            offering=offering, text=form.validated_data["text"], actor=actor_of(request), at=clock.now()
        )
        return Response(ServiceTermsOut(published).data, status=201)


class OfferingConsent(APIView):
    """A buyer's consent."""

    permission_classes = [HasScope]
    required_scope = "orders"
    required_kinds = (OrganizationKind.BUYER,)

    @extend_schema(operation_id="offerings_terms_agree", request=AgreeToTerms, responses={201: ConsentOut})
    @idempotent
    def post(self, request: Request, offering_id: UUID) -> Response:
        """Agree to the terms that count, named by the digest of their text."""
        form = AgreeToTerms(data=request.data)
        form.is_valid(raise_exception=True)
        consent = terms.agree(
            offering=visible_offering(request, offering_id),
            buyer=organization_of(request),
            sha256=form.validated_data["sha256"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(ConsentOut(consent).data, status=201)
