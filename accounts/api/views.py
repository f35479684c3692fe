"""Who asks."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import HasScope


class OrganizationOut(serializers.Serializer[object]):
    """An organisation as others see it."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    name = serializers.CharField()
    credit_code = serializers.CharField()


class WhoAmIOut(serializers.Serializer[object]):
    """The key in use and whom it acts for."""

    key = serializers.CharField(source="prefix")
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)
    organization = OrganizationOut()


class WhoAmI(APIView):
    """The key in use, its scopes and its organisation."""

    permission_classes = [HasScope]

    @extend_schema(responses=WhoAmIOut)
    def get(self, request: Request) -> Response:
        return Response(WhoAmIOut(request.auth).data)
