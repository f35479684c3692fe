"""Related parties are declared once, by operators, and never changed."""

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, Relation, User
from accounts.services import relations
from accounts.services.audit import SYSTEM
from tests.market import scenes
from tests.market.scenes import AT
from tests.owning import as_owner


def declare(first, second, ground="controller"):
    return relations.declare(first=first, second=second, ground=ground, source="register", actor=SYSTEM, at=AT)


def test_a_relation_is_declared_once_whoever_is_named_first(db):
    one, other = scenes.buyer(), scenes.provider()
    declare(other, one)

    with pytest.raises(relations.AlreadyDeclared):
        declare(one, other)
    declare(one, other, "shareholding")

    assert {(row.first, row.second) for row in Relation.objects.all()} == {tuple(sorted((one, other), key=key))}
    with as_owner(), pytest.raises(IntegrityError, match="UPDATE"), transaction.atomic():
        Relation.objects.update(source="")


def key(organization):
    return organization.pk


def test_nobody_is_his_own_related_party(db):
    one = scenes.buyer()

    with pytest.raises(relations.SameOrganization):
        declare(one, one)

    assert not Relation.objects.exists()


@pytest.mark.parametrize("smaller_first", [True, False])
def test_an_operator_declares_a_relation_in_the_admin(db, smaller_first):
    operator = User.objects.create_user("operator", is_staff=True)
    operator.user_permissions.set(Permission.objects.filter(codename__in=["add_relation", "view_relation"]))
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    pair = sorted([scenes.buyer().pk, scenes.provider().pk], reverse=not smaller_first)
    fields = {"first": pair[0], "second": pair[1], "ground": "representative", "source": "R"}

    answer = client.post("/admin/accounts/relation/add/", fields)

    assert answer.status_code == 302
    assert AuditEntry.objects.get(verb="relation.declared").actor == operator
    assert client.get("/admin/accounts/relation/").status_code == 200
    assert client.get(f"/admin/accounts/relation/{Relation.objects.get().pk}/change/").status_code == 200
