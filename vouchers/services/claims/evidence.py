"""Keep files by their content."""

import hashlib
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from core import uploads
from core.errors import Conflict, NotFound
from vouchers.models import Claim, ClaimDocument, ClaimLine, ClaimStatus, KeptFile

JSON = "application/json"
PDF = "application/pdf"
MOST_DOCUMENTS = 100
TAKING_FILES = (ClaimStatus.ASSEMBLED, ClaimStatus.SUBMITTED, ClaimStatus.OPERATOR_CHECK, ClaimStatus.RETURNED)


class ClaimNotOpen(Conflict):
    """Files are handed in while a claim is with its claimant, or being checked."""

    code = "claim-not-open"


class NoSuchLine(NotFound):
    """The claim has no such line."""

    code = "claim-line-not-found"


def keep(*, content: bytes, media_type: str, at: datetime) -> KeptFile:
    """Keep a file, or return it as it was kept before."""
    digest = hashlib.sha256(content).hexdigest()
    kept, _new = KeptFile.objects.get_or_create(
        sha256=digest, defaults={"media_type": media_type, "content": content, "kept_at": at}
    )
    return kept


@transaction.atomic
def hand_in(
    *,
    claim: Claim,
    claimant: Organization,
    kind: str,
    name: str,
    content: bytes,
    line: int | None = None,
    actor: Actor,
    at: datetime,
) -> ClaimDocument:
    """Hand a PDF or a picture in for a claim, or for one of its lines; the same file again is the same document.

    :raises NotFound: if the claim is another organisation's, or has no such line.
    :raises ClaimNotOpen: if it is decided, or holds as many files as it may.
    :raises BadUpload: if it is no such file.
    """
    claim = Claim.objects.locked().get(pk=claim.pk)
    if claim.claimant_id != claimant.pk:
        raise NotFound(_("There is no such claim."))
    if claim.status not in TAKING_FILES or claim.documents.count() >= MOST_DOCUMENTS:
        raise ClaimNotOpen(_("No more files are taken for this claim."))
    of_line = ClaimLine.objects.filter(claim=claim, number=line).first() if line is not None else None
    if line is not None and of_line is None:
        raise NoSuchLine(_("There is no such line."))
    file = keep(content=content, media_type=uploads.kind_of(content).media_type, at=at)
    made, new = ClaimDocument.objects.get_or_create(
        claim=claim,
        kind=kind,
        file=file,
        defaults={"line": of_line, "name": name[:120], "handed_in_by": actor.person, "handed_in_at": at},
    )
    if new:
        after = {"kind": kind, "sha256": file.sha256}
        audit.record(actor=actor, verb="claim.document_added", thing=claim, at=at, after=after)
    return made
