"""Where a provider stands with the operator."""

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import organization_of
from accounts.api.permissions import HasScope
from accounts.models import DocumentKind, Onboarding, OnboardingStatus, OrganizationKind
from accounts.services import onboardings


class OnboardingOut(serializers.ModelSerializer[Onboarding]):
    """The state of a provider's verification, and which documents are missing."""

    status = serializers.ChoiceField(choices=OnboardingStatus.choices)
    missing = serializers.SerializerMethodField()

    class Meta:
        model = Onboarding
        fields = ["status", "submitted_at", "decided_at", "reason", "good_until", "missing"]
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=DocumentKind.choices)))
    def get_missing(self, onboarding: Onboarding) -> list[str]:
        """Return the kinds of documents that still have to be uploaded."""
        return [kind.value for kind in onboardings.missing(onboarding)]


class OwnOnboarding(APIView):
    """The verification of the key's provider; documents are handed in on the portal, by a person."""

    permission_classes = [HasScope]
    required_kinds = (OrganizationKind.PROVIDER,)

    @extend_schema(responses=OnboardingOut)
    def get(self, request: Request) -> Response:
        """Return where the provider stands."""
        return Response(OnboardingOut(onboardings.of(organization_of(request))).data)
