"""A second factor for staff: codes of an authenticator app, each good once, and recovery codes for when it is lost."""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import choice

from django.db import transaction
from django.utils.translation import gettext as _
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice

from accounts.duties import WITH_A_SECOND_FACTOR
from accounts.models import Authenticator, Membership, User
from accounts.services import audit
from accounts.services.audit import Actor
from core.errors import Conflict, DomainError, Forbidden

APP, RECOVERY = "authenticator", "recovery"
RECOVERY_CODES = 10
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else
CODE_LENGTH = 10
APP_CODE = re.compile(r"[0-9]{6}")
NOISE = re.compile(r"[\s-]")


class WrongCode(DomainError):
    """The code is wrong, too old, or was used before."""

    code = "wrong-second-factor"


class TooManyTries(DomainError):
    """After a wrong code the next one has to wait, twice as long each time."""

    code = "second-factor-throttled"


class EnrolledAlready(Conflict):
    """The user has a second factor."""

    code = "second-factor-enrolled"


class NotYourOwn(Forbidden):
    """Another administrator removes a second factor, never oneself."""

    code = "second-factor-own"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A second factor as enrolled, and the recovery codes, which are shown this once."""

    device: Device
    codes: list[str]


def is_needed(user: User) -> bool:
    """Whether a user works with a second factor: staff, and everyone in an authority or at the operator."""
    return user.is_staff or Membership.objects.filter(user=user, organization__kind__in=WITH_A_SECOND_FACTOR).exists()


def enrolled(user: User) -> bool:
    """Whether a user has confirmed a second factor."""
    return bool(Authenticator.objects.filter(user=user, confirmed=True).exists())


@transaction.atomic
def begin(*, user: User) -> Authenticator:
    """Return the device that a user is enrolling; it is the same one until they confirm it.

    :raises EnrolledAlready: if they have one.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if enrolled(user):
        raise EnrolledAlready(_("You have a second factor. An administrator can remove it when it is lost."))
    begun: Authenticator | None = Authenticator.objects.filter(user=user, confirmed=False).first()
    if begun is not None and begun.is_readable:
        return begun
    Authenticator.objects.filter(user=user, confirmed=False).delete()
    device: Authenticator = Authenticator.objects.create(user=user, confirmed=False, name=APP)
    return device


def confirm(*, user: User, code: str, at: datetime) -> Enrolment:
    """Enrol a user whose app shows the right code, and give them recovery codes.

    :raises EnrolledAlready: if they have a second factor.
    :raises WrongCode: if the code is wrong.
    """
    device = begin(user=user)
    _verify(device, code)
    with transaction.atomic():
        Authenticator.objects.filter(pk=device.pk).update(confirmed=True)
        device.confirmed = True
        audit.record(actor=Actor(user=user), verb="second-factor.enrolled", thing=user, at=at)
        return Enrolment(device, _new_codes(user))


def verify(*, user: User, code: str, at: datetime) -> Device:
    """Return the device that accepts a code: the app's current one, or a recovery code.

    :raises WrongCode: if neither accepts it.
    :raises TooManyTries: if too little time has passed since the last wrong one.
    """
    code = NOISE.sub("", code).lower()
    if APP_CODE.fullmatch(code):
        return _verify(Authenticator.objects.filter(user=user, confirmed=True).first(), code)
    device = _verify(StaticDevice.objects.filter(user=user, confirmed=True).first(), _hashed(user, code))
    audit.record(actor=Actor(user=user), verb="second-factor.recovery-code-used", thing=user, at=at)
    return device


@transaction.atomic
def renew_codes(*, user: User, at: datetime) -> list[str]:
    """Replace a user's recovery codes by new ones, which are shown this once."""
    audit.record(actor=Actor(user=user), verb="second-factor.codes-renewed", thing=user, at=at)
    return _new_codes(user)


@transaction.atomic
def remove(*, user: User, actor: Actor, at: datetime) -> None:
    """Take a lost second factor from a user, who enrols again when they next sign in.

    :raises NotYourOwn: if they do it themselves: a stolen session would.
    """
    if actor.user is not None and actor.user.pk == user.pk:
        raise NotYourOwn(_("Another administrator removes your second factor."))
    Authenticator.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    audit.record(actor=actor, verb="second-factor.removed", thing=user, at=at)


def reseal() -> tuple[int, int]:
    """Seal every secret under the newest key; return how many there are, and of how many the key is gone."""
    devices = list(Authenticator.objects.order_by("pk"))
    readable = [device for device in devices if device.is_readable]
    for device in readable:
        device.save(update_fields=["key"])
    return len(devices), len(devices) - len(readable)


def _verify(device: Device | None, token: str) -> Device:
    """Let a device check a token under a lock, so that one code lets in one session."""
    if device is None:
        raise WrongCode(_("This code is not right."), fields={"code": _("This code is not right.")})
    with transaction.atomic():
        locked = type(device).objects.select_for_update().get(pk=device.pk)
        allowed, _why = locked.verify_is_allowed()
        accepted = allowed and locked.verify_token(token)
    if not allowed:
        wait = _("Too many wrong codes: wait a little before you try again.")
        raise TooManyTries(wait, fields={"code": wait})
    if not accepted:
        wrong = _("This code is wrong, too old, or was used before.")
        raise WrongCode(wrong, fields={"code": wrong})
    return locked


def _new_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name=RECOVERY)
    codes = ["".join(choice(LETTERS) for _position in range(CODE_LENGTH)) for _number in range(RECOVERY_CODES)]
    device.token_set.bulk_create([device.token_set.model(device=device, token=_hashed(user, code)) for code in codes])
    return codes


def _hashed(user: User, code: str) -> str:
    """Return what is kept of a recovery code: 64 bits of its hash, from which its 49 random bits are not read back."""
    return sha256(f"{user.pk}/{code}".encode()).hexdigest()[:16]
