"""Second factors of the demo's people: their secrets are derived from their names, so that everybody has a code."""

import time
from base64 import b32encode
from hashlib import sha256

from django_otp.oath import TOTP

from accounts.models import Authenticator, User
from accounts.services import second_factor

KEY_HEX_DIGITS = 40


def enrol(user: User) -> None:
    """Give a demo user the second factor of their name, unless they have enrolled their own or need none."""
    if second_factor.is_needed(user) and not second_factor.enrolled(user):
        key = sha256(f"suanyi-demo/{user.username}".encode()).hexdigest()[:KEY_HEX_DIGITS]
        Authenticator.objects.create(user=user, key=key, name=second_factor.APP, confirmed=True)


def next_code(device: Authenticator) -> str:
    """Return the earliest code that signs in: today's present one, or the one after it if that was used."""
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    totp.time = time.time()
    if totp.t() <= device.last_t:
        totp.time += device.step
    return f"{totp.token():0{device.digits}d}"


def secret(device: Authenticator) -> str:
    """Return the key as authenticator apps want it."""
    return b32encode(device.bin_key).decode().rstrip("=")
