"""What a key may do, and for which kind of organisation."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ApiKey


class HasScope(BasePermission):
    """The key has the view's ``required_scope`` (reading: ``read``) and its organisation is of ``required_kinds``.

    A view that names no scope lets nobody write.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        kinds = getattr(view, "required_kinds", None)
        if kinds is not None and key.organization.kind not in kinds:
            return False
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return "read" in key.scopes
        return getattr(view, "required_scope", None) in key.scopes
