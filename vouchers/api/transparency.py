"""The transparency log: checkpoints and proofs for everyone, entries and bundles for those who supervise."""

import base64
import tempfile
from pathlib import Path
from typing import Any

from django.http import FileResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import HasScope
from accounts.models import OrganizationKind
from core import clock
from core.api.serializers import StrictSerializer
from core.errors import NotFound
from vouchers.models import Checkpoint, Log, LogEntry
from vouchers.services import bundles, checkpoints, trees, witnesses

MOST = 2**53
PAGE = 500


class CheckpointOut(serializers.Serializer[Any]):
    """A signed note with its cosignatures; ``consistency`` proves that it extends the tree of ``since`` entries."""

    origin = serializers.CharField()
    algorithm = serializers.CharField()
    size = serializers.IntegerField()
    root_hash = serializers.CharField()
    signed_at = serializers.DateTimeField()
    note = serializers.CharField()
    consistency = serializers.ListField(child=serializers.CharField())


class ProofOut(serializers.Serializer[Any]):
    """Hashes in base64, from the leaf upwards."""

    proof = serializers.ListField(child=serializers.CharField())


class Since(StrictSerializer):
    """The size of the last checkpoint that the asker has seen."""

    since = serializers.IntegerField(min_value=0, max_value=MOST, default=0)


class BetweenSizes(StrictSerializer):
    """Two sizes of a log."""

    old = serializers.IntegerField(min_value=0, max_value=MOST)
    new = serializers.IntegerField(min_value=0, max_value=MOST)


class AtPlace(StrictSerializer):
    """A place in the tree of some size."""

    seq = serializers.IntegerField(min_value=0, max_value=MOST)
    size = serializers.IntegerField(min_value=0, max_value=MOST)


class FromPlace(StrictSerializer):
    """Where a page of entries begins."""

    start = serializers.IntegerField(min_value=0, max_value=MOST, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=PAGE, default=PAGE)


class Cosign(StrictSerializer):
    """A witness' signature line on the checkpoint of a size."""

    size = serializers.IntegerField(min_value=0, max_value=MOST)
    line = serializers.CharField(max_length=400)


class EntryOut(serializers.Serializer[Any]):
    """An entry: its place, its canonical text and the hash of that."""

    seq = serializers.IntegerField()
    payload = serializers.SerializerMethodField()
    leaf_hash = serializers.SerializerMethodField()

    def get_payload(self, entry: LogEntry) -> str:
        """Return the bytes that are hashed; they are UTF-8."""
        return bytes(entry.payload).decode()

    def get_leaf_hash(self, entry: LogEntry) -> str:
        """Return the hash in hex."""
        return bytes(entry.leaf_hash).hex()


class PublicView(APIView):
    """A view for everyone, without a key."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class SupervisorView(APIView):
    """A view for authorities and the operator."""

    permission_classes = (HasScope,)
    required_kinds = (OrganizationKind.AUTHORITY, OrganizationKind.OPERATOR)


class CheckpointView(PublicView):
    """The latest checkpoint."""

    @extend_schema(parameters=[Since], responses=CheckpointOut)
    def get(self, request: Request, algorithm: str) -> Response:
        """Return the latest checkpoint, and the proof that it extends the one last seen."""
        asked, log = _asked(Since, request.query_params), _log(algorithm)
        last = _latest(log)
        old = min(asked["since"], last.size + 1)
        proof = trees.consistency(log=log, old=old, new=last.size)
        named = {"origin": log.origin, "algorithm": log.algorithm, "consistency": _texts(proof)}
        signed = {"root_hash": base64.b64encode(bytes(last.root)).decode(), "note": checkpoints.signed_note(last)}
        return Response(CheckpointOut({**named, **signed, "size": last.size, "signed_at": last.signed_at}).data)


class ConsistencyView(PublicView):
    """Proofs between two sizes."""

    @extend_schema(parameters=[BetweenSizes], responses=ProofOut)
    def get(self, request: Request, algorithm: str) -> Response:
        """Prove that the tree of one size begins with that of a smaller one."""
        asked = _asked(BetweenSizes, request.query_params)
        return Response({"proof": _texts(trees.consistency(log=_log(algorithm), **asked))})


class InclusionView(PublicView):
    """Proofs that an entry is there."""

    @extend_schema(parameters=[AtPlace], responses=ProofOut)
    def get(self, request: Request, algorithm: str) -> Response:
        """Prove that the entry at a place is in the tree of some size."""
        asked = _asked(AtPlace, request.query_params)
        return Response({"proof": _texts(trees.inclusion(log=_log(algorithm), **asked))})


class CosignatureView(PublicView):
    """Where witnesses send their signatures: the signature says who they are."""

    @extend_schema(request=Cosign, responses={201: None})
    def post(self, request: Request, algorithm: str) -> Response:
        """Keep a registered witness' cosignature of a checkpoint."""
        witnesses.cosign(log=_log(algorithm), at=clock.now(), **_asked(Cosign, request.data))
        return Response(status=201)


class EntriesView(SupervisorView):
    """Pages of entries."""

    @extend_schema(parameters=[FromPlace], responses=EntryOut(many=True))
    def get(self, request: Request, algorithm: str) -> Response:
        """Return entries from a place on, at most 500."""
        asked = _asked(FromPlace, request.query_params)
        span = {"seq__gte": asked["start"], "seq__lt": asked["start"] + asked["limit"]}
        rows = LogEntry.objects.filter(log=_log(algorithm), **span).order_by("seq")
        return Response(EntryOut(rows, many=True).data)


class BundleView(SupervisorView):
    """The whole log in a file."""

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, algorithm: str) -> FileResponse:
        """Return a bundle for the offline verifier."""
        log = _log(algorithm)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "bundle.zip"
            bundles.export(log=log, out=out)
            content = out.open("rb")
        return FileResponse(content, as_attachment=True, filename=f"{log.algorithm}-bundle.zip")


def _asked(kind: type[StrictSerializer], given: Any) -> dict[str, Any]:
    form = kind(data=given)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _log(algorithm: str) -> Log:
    log = Log.objects.filter(algorithm=algorithm).first()
    if log is None:
        raise NotFound(_("There is no such log."))
    return log


def _latest(log: Log) -> Checkpoint:
    last = checkpoints.latest(log)
    if last is None:
        raise NotFound(_("The log has no checkpoint yet."))
    return last


def _texts(proof: list[bytes]) -> list[str]:
    return [base64.b64encode(node).decode() for node in proof]
