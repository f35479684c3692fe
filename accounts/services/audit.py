"""Write down who did what, in the transaction in which it was done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from accounts.models import ApiKey, AuditEntry, Organization, User


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user or a key, and for which organisation. All empty means the platform itself."""

    user: User | None = None
    key: ApiKey | None = None
    organization: Organization | None = None

    @property
    def person(self) -> User | None:
        """Return the person behind it: the user, or whoever made the key."""
        return self.user or (self.key.created_by if self.key else None)


SYSTEM = Actor()


def record(
    *,
    actor: Actor,
    verb: str,
    thing: models.Model,
    at: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    """Append an audit entry about ``thing``; ``before`` and ``after`` hold what changed."""
    return AuditEntry.objects.create(
        at=at,
        actor=actor.user,
        actor_key=actor.key,
        organization=actor.organization,
        verb=verb,
        object_type=thing._meta.label_lower,
        object_id=str(thing.pk),
        before=before,
        after=after,
    )
