"""Witnesses: who they are, and the cosignatures that they send."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, NotFound
from vouchers import notes
from vouchers.models import Checkpoint, Cosignature, Log, Witness
from vouchers.notes import BadNote, BadSignature, Key
from vouchers.services import people


class NotAKey(DomainError):
    """The text is no public key of a witness."""

    code = "not-a-witness-key"


class WitnessKnown(Conflict):
    """A witness of this name is registered."""

    code = "witness-known"


class NoSuchWitness(NotFound):
    """No registered witness has the key of this signature."""

    code = "no-such-witness"


class NotCosigned(DomainError):
    """The signature does not fit the checkpoint."""

    code = "not-cosigned"


@transaction.atomic
def register(*, name: str, public_key: str, actor: Actor, at: datetime) -> Witness:
    """Register the public key of someone outside who watches the log.

    :raises NotAKey: if it is no Ed25519 key for cosignatures.
    :raises WitnessKnown: if the name is taken.
    """
    people.person(actor)
    try:
        key = notes.parse_key(public_key)
    except BadNote as error:
        raise NotAKey(_("This is no public key of a witness.")) from error
    if key.kind != notes.COSIGNATURE:
        raise NotAKey(_("This key signs notes; a witness needs one for cosignatures."))
    with refusing(witness_name_once=WitnessKnown(_("A witness of this name is registered."))):
        witness = Witness.objects.create(name=name, public_key=str(key))
    audit.record(actor=actor, verb="witness.registered", thing=witness, at=at, after={"public_key": str(key)})
    return witness


def cosign(*, log: Log, size: int, line: str, at: datetime) -> Cosignature:
    """Keep a witness' signature on a checkpoint, once it is verified; the same witness again changes nothing.

    :raises NotFound: if there is no checkpoint of this size.
    :raises NoSuchWitness: if nobody registered has the key.
    :raises NotCosigned: if the signature does not fit.
    """
    checkpoint = Checkpoint.objects.filter(log=log, size=size).first()
    if checkpoint is None:
        raise NotFound(_("There is no checkpoint of this size."))
    line = line.strip() + "\n"
    witness, key = _whose(line)
    try:
        key.require_signed(checkpoint.note + line)
    except (BadSignature, BadNote) as error:
        raise NotCosigned(_("This signature does not fit the checkpoint.")) from error
    kept, _new = Cosignature.objects.get_or_create(
        checkpoint=checkpoint, witness=witness, defaults={"line": line, "received_at": at}
    )
    return kept


def _whose(line: str) -> tuple[Witness, Key]:
    try:
        name, content = notes.parse_line(line)
    except BadNote as error:
        raise NotCosigned(_("This is no signature line.")) from error
    for witness in Witness.objects.filter(retired_at=None):
        key = notes.parse_key(witness.public_key)
        if (key.name, key.id) == (name, content[:4]):
            return witness, key
    raise NoSuchWitness(_("No registered witness has this key."))
