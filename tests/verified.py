"""``Client.force_login`` stands for a whole sign-in: whoever needs a second factor has shown it."""

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY

from accounts.models import Authenticator, User
from accounts.services import second_factor


def device_of(user: User) -> Authenticator:
    """Return the user's confirmed authenticator, enrolled now if they have none."""
    return Authenticator.objects.get_or_create(user=user, confirmed=True)[0]


def _verify(request: Any, user: User, **_sent: Any) -> None:
    # A form's request has an address; the one that force_login makes up has none.
    if not request.path and second_factor.is_needed(user):
        request.session[DEVICE_ID_SESSION_KEY] = device_of(user).persistent_id


def client_of(user: User) -> Client:
    """Return a client of a user who has signed in: ``force_login`` would ask the database three times as much."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    if second_factor.is_needed(user):
        session[DEVICE_ID_SESSION_KEY] = device_of(user).persistent_id
    session.create()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client


def trust_forced_logins() -> None:
    """Do so in this process from now on."""
    user_logged_in.connect(_verify, dispatch_uid="verified")
