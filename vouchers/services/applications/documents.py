"""Files handed in with an application: kept once by their content, committed to with a salt."""

import hashlib
import secrets
from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from core import documents
from core.constraints import refusing
from vouchers import canonical
from vouchers.models import Application, ApplicationDocument, Evidence
from vouchers.services.applications import moves
from vouchers.services.applications.refusals import BadApplication, DocumentExists, NotEditable, TooManyDocuments

MOST_DOCUMENTS = 40


@transaction.atomic
def upload(
    *, application: Application, kind: str, name: str, content: bytes, actor: Actor, at: datetime
) -> ApplicationDocument:
    """Keep a file as evidence; what it is is read from its content, never from its name.

    :raises NotEditable: if the application has been handed in.
    :raises BadUpload: if it is no file of a kind that is taken.
    :raises DocumentExists: if it was uploaded before.
    """
    person = moves.applicants_person(actor)
    application = moves.locked(application)
    _require_open(application)
    if kind not in Evidence.values:
        raise BadApplication(_("Choose what the file is."), fields={"kind": _("Choose what the file is.")})
    if application.documents.filter(withdrawn_at=None).count() >= MOST_DOCUMENTS:
        raise TooManyDocuments(_("At most %(most)d documents.") % {"most": MOST_DOCUMENTS})
    found, digest, salt = documents.kind_of(content), hashlib.sha256(content).hexdigest(), secrets.token_bytes(16)
    with refusing(application_document_once=DocumentExists(_("This file was uploaded before."))):
        document = ApplicationDocument.objects.create(
            application=application,
            kind=kind,
            name=documents.name_of(name),
            place=_keep(content, digest, found.suffix),
            media_type=found.media_type,
            size=len(content),
            sha256=digest,
            salt=salt,
            commitment=canonical.commitment(salt=salt, document={"kind": kind, "sha256": digest}),
            uploaded_by=person,
            uploaded_at=at,
        )
    after = {"document": str(document.pk), "kind": kind, "commitment": document.commitment}
    audit.record(actor=actor, verb="application.uploaded", thing=application, at=at, after=after)
    return document


@transaction.atomic
def withdraw(*, document: ApplicationDocument, actor: Actor, at: datetime) -> None:
    """Take a file back before it is handed in; it is marked, not deleted. One that is taken back already stays so.

    :raises NotEditable: if the application has been handed in.
    """
    application = moves.locked(document.application)
    _require_open(application)
    if not ApplicationDocument.objects.filter(pk=document.pk, withdrawn_at=None).update(withdrawn_at=at):
        return
    after = {"document": str(document.pk)}
    audit.record(actor=actor, verb="application.document-withdrawn", thing=application, at=at, after=after)


def missing(application: Application) -> list[Evidence]:
    """Return what the round requires and nobody uploaded."""
    there = {one.kind for one in application.documents.all() if one.withdrawn_at is None}
    return [Evidence(kind) for kind in application.round.required_evidence if kind not in there]


def _require_open(application: Application) -> None:
    if not application.editable:
        raise NotEditable(_("What was handed in stays as it was."))


def _keep(content: bytes, digest: str, suffix: str) -> str:
    """Store a file under its digest, once: the same content lies in the same place."""
    place = f"evidence/applications/{digest[:2]}/{digest}{suffix}"
    if not default_storage.exists(place):
        default_storage.save(place, ContentFile(content))
    return place
