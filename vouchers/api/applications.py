"""Apply for grants: a firm's own applications, and for authorities those that were handed in to them."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import actor_of, organization_of
from accounts.api.permissions import HasScope
from accounts.models import Organization, OrganizationKind
from core import clock, uploads
from core.api.pagination import KeysetPagination
from core.api.parsers import JSONParser
from core.api.serializers import StrictSerializer
from core.errors import Forbidden, NotFound
from core.prefetching import in_order
from vouchers.api.application_forms import (
    ApplicationOut,
    BeginApplication,
    DocumentOut,
    PreCheckOut,
    SayOnApplication,
    UploadEvidence,
    WriteApplication,
)
from vouchers.models import Application, ApplicationStatus, Round
from vouchers.services.applications import deciding, documents, drafting, prechecks, submitting


class ApplicationFilter(filters.FilterSet):
    """``?status=&programme=&round=``."""

    status = filters.ChoiceFilter(choices=ApplicationStatus.choices)
    programme = filters.UUIDFilter("programme")
    round = filters.UUIDFilter("round")

    class Meta:
        model = Application
        fields: list[str] = []


class ApplicationViewSet(ReadOnlyModelViewSet[Application]):
    """Applications of the key's firm, or those handed in to its authority, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-created_at", "-pk")
    filterset_class = ApplicationFilter
    serializer_class = ApplicationOut
    queryset = Application.objects.none()
    lookup_value_converter = "uuid"
    required_scope = "orders"
    parser_classes = [JSONParser, MultiPartParser]

    def get_queryset(self) -> QuerySet[Application]:
        rows = Application.objects.visible_to(organization_of(self.request))
        return rows.select_related("round").prefetch_related(*in_order(Application, "documents", "steps"))

    @extend_schema(request=BeginApplication, responses={201: ApplicationOut})
    def create(self, request: Request) -> Response:
        """Begin an application; nobody else sees it until it is handed in."""
        given = _given(BeginApplication, request)
        organization = organization_of(request)
        procedure = Round.objects.visible_to(organization).filter(pk=given.pop("round")).first()
        if procedure is None:
            raise NotFound(_("There is no such round."), fields={"round": _("Not found.")})
        made = drafting.draft(
            procedure=procedure, applicant=organization, actor=actor_of(request), at=clock.now(), **_content(given)
        )
        return self._told(made.pk, 201)

    @extend_schema(request=WriteApplication, responses=ApplicationOut)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Write a draft, or what has to be supplemented, anew."""
        given = _content(_given(WriteApplication, request))
        drafting.edit(application=self._mine(pk), actor=actor_of(request), at=clock.now(), **given)
        return self._told(pk)

    @extend_schema(responses=PreCheckOut(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def precheck(self, request: Request, pk: UUID) -> Response:
        """Tell what the pre-check would find now."""
        found = prechecks.of_application(application=self._mine(pk), at=clock.now())
        return Response(PreCheckOut([one.as_json() for one in found], many=True).data)

    @extend_schema(request=None, responses=ApplicationOut)
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, pk: UUID) -> Response:
        """Hand a draft in."""
        submitting.submit(application=self._mine(pk), actor=actor_of(request), at=clock.now())
        return self._told(pk)

    @extend_schema(request=SayOnApplication, responses=ApplicationOut)
    @action(detail=True, methods=["post"])
    def supplement(self, request: Request, pk: UUID) -> Response:
        """Hand in what was asked for."""
        note = _given(SayOnApplication, request)["text"]
        submitting.supplement(application=self._mine(pk), actor=actor_of(request), at=clock.now(), note=note)
        return self._told(pk)

    @extend_schema(request=SayOnApplication, responses=ApplicationOut)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: UUID) -> Response:
        """Take an application back."""
        reason = _given(SayOnApplication, request)["text"]
        drafting.withdraw(application=self._mine(pk), actor=actor_of(request), at=clock.now(), reason=reason)
        return self._told(pk)

    @extend_schema(request=SayOnApplication, responses=ApplicationOut)
    @action(detail=True, methods=["post"])
    def appeal(self, request: Request, pk: UUID) -> Response:
        """Appeal against a rejection."""
        text = _given(SayOnApplication, request)["text"]
        deciding.appeal(application=self._mine(pk), text=text, actor=actor_of(request), at=clock.now())
        return self._told(pk)

    @extend_schema(request={"multipart/form-data": UploadEvidence}, responses={201: DocumentOut})
    @action(detail=True, methods=["post"])
    def evidence(self, request: Request, pk: UUID) -> Response:
        """Hand a file in as evidence, as ``multipart/form-data``."""
        given = _given(UploadEvidence, request)
        file = given["file"]
        uploads.require_size(file.size)
        kept = documents.upload(
            application=self._mine(pk),
            kind=given["kind"],
            name=file.name,
            content=file.read(),
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(DocumentOut(kept).data, status=201)

    def _mine(self, pk: UUID) -> Application:
        """Return one of the key's firm: an authority reads applications and writes none."""
        organization = organization_of(self.request)
        rows = self.get_queryset().filter(pk=pk).select_related("programme", "applicant", "provider")
        found = rows.first()
        if found is None:
            raise NotFound(_("There is no such application."))
        if organization.kind != OrganizationKind.BUYER or found.applicant_id != organization.pk:
            raise Forbidden(_("Only the applicant does this."))
        return found

    def _told(self, pk: UUID, status: int = 200) -> Response:
        return Response(ApplicationOut(self.get_queryset().get(pk=pk)).data, status=status)


def _given(kind: type[StrictSerializer], request: Request) -> dict[str, Any]:
    form = kind(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _content(given: dict[str, Any]) -> dict[str, Any]:
    """Return what an application says, with its provider looked up."""
    if given.get("provider"):
        provider = Organization.objects.providers().filter(pk=given["provider"]).first()
        if provider is None:
            raise NotFound(_("There is no such provider."), fields={"provider": _("Not found.")})
        given["provider"] = provider
    if "facts" in given and not isinstance(given["facts"], dict):
        raise serializers.ValidationError({"facts": [_("Send an object.")]})
    return given
