"""The audit trail: who, what, before and after."""

from accounts.models import AuditEntry
from accounts.services import audit, keys
from accounts.services.audit import SYSTEM, Actor
from tests.billing import scenes as people
from tests.market import scenes
from tests.market.scenes import AT


def test_an_entry_says_who_did_what_to_which_object(db):
    organization, user = scenes.buyer(), people.person("li")
    key, _token = keys.issue(organization=organization, name="k", scopes=["read"], actor=SYSTEM, at=AT)
    actor = Actor(user=user, key=key, organization=organization)

    audit.record(actor=actor, verb="tested", thing=organization, at=AT, before={"a": 1}, after={"a": 2})

    entry = AuditEntry.objects.get(verb="tested")
    assert (entry.at, entry.actor, entry.actor_key, entry.organization) == (AT, user, key, organization)
    assert (entry.object_type, entry.object_id) == ("accounts.organization", str(organization.pk))
    assert (entry.before, entry.after) == ({"a": 1}, {"a": 2})


def test_the_platform_itself_has_no_name(db):
    entry = audit.record(actor=SYSTEM, verb="tested", thing=scenes.buyer(), at=AT)

    assert (entry.actor, entry.actor_key, entry.organization) == (None, None, None)
