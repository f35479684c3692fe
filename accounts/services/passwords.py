"""Let people change their own password; whoever else is signed in with the old one is so no longer."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.services import audit
from accounts.services.audit import Actor


@transaction.atomic
def change(*, user: User, password: str, at: datetime) -> None:
    """Give a person, who has shown the old password, a new one that was found good enough."""
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(actor=Actor(user=user), verb="password.changed", thing=user, at=at)
