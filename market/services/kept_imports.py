"""Keep an uploaded file of offerings between the look at it and its confirmation."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from accounts.services.audit import Actor
from core.errors import Conflict
from market.models import OfferingImport
from market.services import imports
from market.services.imports import Report


class AlreadyBroughtIn(Conflict):
    """A kept file is brought in once."""

    code = "already-brought-in"


@transaction.atomic
def keep(*, provider: Organization, name: str, content: bytes, by: User, at: datetime) -> OfferingImport:
    """Keep a file until its preview is confirmed; an earlier one of the same person that was not is forgotten."""
    OfferingImport.objects.filter(provider=provider, uploaded_by=by, applied_at=None).delete()
    return OfferingImport.objects.create(
        provider=provider, uploaded_by=by, uploaded_at=at, name=name[-120:], content=content
    )


@transaction.atomic
def confirm(*, kept: OfferingImport, seen: str, actor: Actor, at: datetime) -> Report:
    """Bring a kept file in as its preview was seen, once.

    :raises AlreadyBroughtIn: if it was confirmed before.
    :raises RowsRefused: if a row has an error, or something has changed since the preview.
    """
    kept = OfferingImport.objects.locked().get(pk=kept.pk)
    if kept.applied_at is not None:
        raise AlreadyBroughtIn(_("This file was brought in before."))
    report = imports.bring_in(provider=kept.provider, content=bytes(kept.content), actor=actor, at=at, seen=seen)
    OfferingImport.objects.filter(pk=kept.pk).update(applied_at=at)
    return report
