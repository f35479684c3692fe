"""Groups of staff have the rights of this version, also where they were made by an earlier one."""

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.models import AuditEntry
from config import staff
from tests.vouchers.scenes import AT

pytestmark = pytest.mark.django_db


def rights(name):
    held = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in held}


def test_migrating_makes_the_groups_with_their_rights():
    assert rights("auditors") == {one for one in rights("voucher-officers") if one.startswith("vouchers.view_")}
    assert {one.partition(".")[0] for one in rights("voucher-officers")} == {"vouchers"}
    assert {one for one in rights("operators") if not one.startswith("billing.")} == {
        "market.view_auctionrules",
        "market.view_auctionproposal",
        "market.add_auctionproposal",
        "market.change_auctionproposal",
    }
    assert {one.partition(".")[2].partition("_")[0] for one in rights("operators")} == {"view", "change", "add"}
    assert staff.bring_up_to_date(at=AT) == {}


def test_a_group_from_before_gets_what_it_lacks_and_keeps_what_it_was_given():
    before, operators = rights("operators"), Group.objects.get(name="operators")
    operators.permissions.remove(Permission.objects.get(codename="add_auctionproposal"))
    operators.permissions.add(Permission.objects.get(codename="view_offering"))
    Group.objects.get(name="auditors").delete()

    given = staff.bring_up_to_date(at=AT)

    assert given["operators"] == ["market.add_auctionproposal"]
    assert set(given) == {"operators", "auditors"}
    assert rights("operators") == before | {"market.view_offering"}
    assert given["auditors"] == sorted(rights("auditors"))
    (entry,) = AuditEntry.objects.filter(verb="staff-group.rights-added")
    assert (entry.actor, entry.object_id, entry.after) == (None, str(operators.pk), {"rights": given["operators"]})
