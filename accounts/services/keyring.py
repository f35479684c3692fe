"""Find the keys that machines show, by statements written once.

Every request of a machine passes here. Writing such a statement anew takes the ORM three times as long as answering
it takes the database, which was a tenth of a report of a thousand events.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models

from accounts.models import ApiKey, Organization, SigningKey

M = TypeVar("M", bound=models.Model)


def _names(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _columns(model: type[models.Model]) -> str:
    return ", ".join(f"{model._meta.db_table}.{field.column}" for field in model._meta.concrete_fields)


KEY_NAMES, ORGANIZATION_NAMES, SIGNING_KEY_NAMES = _names(ApiKey), _names(Organization), _names(SigningKey)
LIVE_KEY = f"""
SELECT {_columns(ApiKey)}, {_columns(Organization)}
FROM accounts_apikey JOIN accounts_organization ON accounts_organization.id = accounts_apikey.organization_id
WHERE prefix = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)
    AND NOT EXISTS (SELECT FROM accounts_user WHERE accounts_user.id = created_by_id AND NOT is_active)
"""  # noqa: S608 - constants only
LIVE_SIGNING_KEY = f"""
SELECT {_columns(SigningKey)} FROM accounts_signingkey WHERE id = %s AND organization_id = %s AND revoked_at IS NULL
"""  # noqa: S608 - constants only


def live_key(*, prefix: str, at: datetime) -> ApiKey | None:
    """Return the key with a prefix, and its organisation, if it opens something at an instant.

    A key acts for the person who made it: whoever may not sign in opens nothing with one either.
    """
    row = _row(LIVE_KEY, [prefix, at])
    if row is None:
        return None
    key = _loaded(ApiKey, KEY_NAMES, row[: len(KEY_NAMES)])
    key.organization = _loaded(Organization, ORGANIZATION_NAMES, row[len(KEY_NAMES) :])
    return key


def live_signing_key(*, key_id: UUID, organization: Organization) -> SigningKey | None:
    """Return an organisation's signing key unless it was revoked."""
    row = _row(LIVE_SIGNING_KEY, [key_id, organization.pk])
    return row and _loaded(SigningKey, SIGNING_KEY_NAMES, row)


def _row(statement: str, parameters: Sequence[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()


def _loaded(model: type[M], names: Sequence[str], values: Sequence[Any]) -> M:
    return model.from_db(connection.alias, names, values)
