"""Bearer keys in the ``Authorization`` header."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiKey, Organization
from accounts.services import keys
from accounts.services.audit import Actor
from core import clock


class Machine:
    """The user of a request made with a key: nobody in person."""

    is_authenticated = True
    is_active = True
    pk = None


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer sy_…``; the key becomes ``request.auth``."""

    def authenticate(self, request: Request) -> tuple[Machine, ApiKey] | None:
        scheme, _sep, token = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return Machine(), keys.authenticate(token=token.strip(), at=clock.now())
        except keys.BadKey as error:
            raise AuthenticationFailed(str(error), code=error.code) from error

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="suanyi"'


def key_in_use(request: Request) -> ApiKey:
    """Return the key with which a request was made."""
    key: Any = request.auth
    assert isinstance(key, ApiKey), "HasScope lets nobody in without a key"
    return key


def organization_of(request: Request) -> Organization:
    """Return the organisation for which a request was made."""
    return key_in_use(request).organization


def actor_of(request: Request) -> Actor:
    """Return who acts in a request made with a key."""
    return Actor(key=key_in_use(request), organization=organization_of(request))


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """How the schema describes our keys."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "sy_<prefix>_<secret>",
        }
