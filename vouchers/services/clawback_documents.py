"""Files of a case: officers add theirs while it is open, the debtor's come with an answer and in its time."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import OrganizationKind
from accounts.services import audit, duties
from accounts.services.audit import Actor
from core import documents
from core.errors import Conflict, DomainError
from vouchers.models import Clawback, ClawbackAnswer, ClawbackDocument
from vouchers.models.clawback import CASES_OPEN
from vouchers.services import clawbacks, people
from vouchers.services.claims import evidence

MOST_DOCUMENTS = 40
MOST_AT_ONCE = 10

File = tuple[str, bytes]


class CaseClosed(Conflict):
    """Files are added until a case is decided."""

    code = "clawback-decided"


class TooManyFiles(DomainError):
    """A case takes so many files, and an answer fewer."""

    code = "too-many-files"


@transaction.atomic
def add(
    *, clawback: Clawback, name: str, content: bytes, actor: Actor, at: datetime, withheld_because: str = ""
) -> ClawbackDocument:
    """Add a file to what the officers hold against the debtor; the same file again is the same document.

    The debtor sees it from the notice on, unless it is withheld with a ground, which the debtor reads instead.

    :raises CaseClosed: if the case is decided.
    :raises BadUpload: if it is no file of a kind that is taken.
    """
    clawback = Clawback.objects.locked().select_related("grant__programme__authority").get(pk=clawback.pk)
    acting = people.person(actor)
    if actor.organization is not None:
        is_operator = actor.organization.kind == OrganizationKind.OPERATOR
        of = actor.organization if is_operator else clawback.grant.programme.authority
        duties.require(actor=actor, duty=Duty.FIND, of=of)
    if clawback.status not in CASES_OPEN:
        raise CaseClosed(_("This case is decided: files can no longer be added."))
    made = _keep(clawback, (name, content), None, Actor(user=acting), at, withheld_because.strip()[:300])
    after = {"sha256": made.file_id, "withheld_because": made.withheld_because}
    audit.record(actor=actor, verb="clawback.document_added", thing=clawback, at=at, after=after)
    return made


@transaction.atomic
def answer(*, clawback: Clawback, text: str, files: Sequence[File], actor: Actor, at: datetime) -> ClawbackAnswer:
    """Answer a notice with files that prove it, all of them or nothing.

    :raises AnswerOver: if the time is over, or the case is decided.
    :raises TooManyFiles: if there are too many.
    :raises BadUpload: if one is no file of a kind that is taken.
    """
    require_few(files)
    made = clawbacks.respond(clawback=clawback, text=text, actor=actor, at=at)
    keep_all(made, files, actor=actor, at=at)
    return made


def require_few(files: Sequence[File]) -> None:
    """Refuse too many files at once.

    :raises TooManyFiles: if there are.
    """
    if len(files) > MOST_AT_ONCE:
        raise TooManyFiles(_("At most %(most)d files at once.") % {"most": MOST_AT_ONCE})


def keep_all(made: ClawbackAnswer, files: Sequence[File], *, actor: Actor, at: datetime) -> None:
    """Keep the files that came with what a debtor said."""
    for file in files:
        kept = _keep(made.clawback, file, made, actor, at)
        after = {"sha256": kept.file_id, "answer": made.pk}
        audit.record(actor=actor, verb="clawback.document_added", thing=made.clawback, at=at, after=after)


def _keep(
    clawback: Clawback, file: File, of: ClawbackAnswer | None, actor: Actor, at: datetime, withheld_because: str = ""
) -> ClawbackDocument:
    if clawback.documents.count() >= MOST_DOCUMENTS:
        raise TooManyFiles(_("At most %(most)d documents.") % {"most": MOST_DOCUMENTS})
    name, content = file
    kept = evidence.keep(content=content, media_type=documents.kind_of(content).media_type, at=at)
    made, _new = ClawbackDocument.objects.get_or_create(
        clawback=clawback,
        answer=of,
        file=kept,
        defaults={
            "name": documents.name_of(name),
            "handed_in_by": actor.person,
            "handed_in_at": at,
            "withheld_because": withheld_because,
        },
    )
    return made
