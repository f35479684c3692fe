"""Bars that are older than the column of their authority, as the migration finds them."""

from datetime import date, timedelta
from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Membership, Role
from accounts.services.audit import Actor
from tests.owning import as_owner
from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT, officer
from vouchers.models import Blacklisting
from vouchers.services import blacklisting

pytestmark = pytest.mark.django_db
MIGRATION = import_module("vouchers.migrations.0047_bars_belong_to_who_set_them")
FORGET = """
ALTER TABLE vouchers_blacklisting DISABLE TRIGGER blacklisting_lifted_once;
UPDATE vouchers_blacklisting SET authority_id = NULL;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE vouchers_blacklisting ENABLE TRIGGER blacklisting_lifted_once;
"""


def owner_of(authority, number):
    user = officer(number).user
    Membership.objects.create(user=user, organization=authority, role=Role.OWNER)
    return Actor(user=user, organization=authority)


def test_an_older_bar_belongs_to_the_authority_of_its_clawback_or_of_whoever_barred():
    granted = scenes.grant(scenes.published())
    case = cases.upheld(granted, cases.paid(granted, 1_000), at=AT)
    ours, theirs = granted.programme.authority, scenes.authority()
    terms = {"organization": granted.owner, "until": date(2030, 1, 1), "reason": "fraud"}
    by_ours, by_another = owner_of(ours, 21), owner_of(ours, 22)
    lifted = blacklisting.bar(actor=by_ours, at=AT + timedelta(hours=1), **terms)
    blacklisting.lift(blacklisting=lifted, reason="mercy", actor=by_another, at=AT + timedelta(hours=2))
    of_theirs = blacklisting.bar(actor=owner_of(theirs, 23), at=AT + timedelta(hours=3), **terms)
    of_nobody = blacklisting.bar(actor=officer(24), at=AT + timedelta(hours=4), **terms)
    connection.check_constraints()

    with as_owner(), connection.cursor() as cursor:
        cursor.execute(FORGET)
        assert not Blacklisting.objects.exclude(authority=None).exists()
        cursor.execute(MIGRATION.OWNERS)

    owners = dict(Blacklisting.objects.values_list("pk", "authority"))
    assert owners == {case.blacklisting.pk: ours.pk, lifted.pk: ours.pk, of_theirs.pk: theirs.pk, of_nobody.pk: None}
    with pytest.raises(IntegrityError), transaction.atomic():
        Blacklisting.objects.update(authority=None)
