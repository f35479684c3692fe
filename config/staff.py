"""What the groups of staff may do in the administration. A new version brings the groups of an installation up to date.

``migrate`` gives what is missing and takes nothing away: what an administrator gave a group besides stays. Whoever
should have less than one of these groups is in a group of another name.
"""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import Group, Permission

from accounts.services import audit
from accounts.services.audit import SYSTEM


@dataclass(frozen=True, slots=True)
class Rights:
    """Verbs on everything of an app, and single rights besides, each as ``app.right``."""

    app: str
    verbs: frozenset[str]
    also: frozenset[str] = frozenset()

    def include(self, app: str, codename: str) -> bool:
        """Tell whether a right is among them."""
        return (app == self.app and codename.partition("_")[0] in self.verbs) or f"{app}.{codename}" in self.also


GROUPS = {
    "voucher-officers": Rights("vouchers", frozenset({"view", "add", "change"})),
    # Two operators publish the rules of the auction as well: one proposes, the other approves.
    "operators": Rights(
        "billing",
        frozenset({"view", "change"}),
        frozenset(
            {
                "market.view_auctionrules",
                "market.view_auctionproposal",
                "market.add_auctionproposal",
                "market.change_auctionproposal",
            }
        ),
    ),
    "auditors": Rights("vouchers", frozenset({"view"})),
}


def bring_up_to_date(*, at: datetime) -> dict[str, list[str]]:
    """Make the groups that are missing, give each the rights that it lacks, and return what was given to whom."""
    rights = list(Permission.objects.select_related("content_type"))
    return {name: given for name in GROUPS if (given := _complete(name, rights, at))}


def _complete(name: str, rights: list[Permission], at: datetime) -> list[str]:
    group, is_new = Group.objects.get_or_create(name=name)
    had = set(group.permissions.values_list("pk", flat=True))
    wanted = [one for one in rights if GROUPS[name].include(one.content_type.app_label, one.codename)]
    lacking = [one for one in wanted if one.pk not in had]
    group.permissions.add(*lacking)
    given = sorted(f"{one.content_type.app_label}.{one.codename}" for one in lacking)
    if given and not is_new:
        audit.record(actor=SYSTEM, verb="staff-group.rights-added", thing=group, at=at, after={"rights": given})
    return given
