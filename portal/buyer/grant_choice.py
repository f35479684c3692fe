"""The choice of a voucher in whatever a buyer pays: those that a checkout deducts from, each with what is left."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.money import format_yuan
from portal import grants
from vouchers import selectors
from vouchers.models import Grant


class GrantChoice(forms.ModelChoiceField):
    """A voucher with what is left of it."""

    standings: dict[UUID, grants.Standing] = {}

    def label_from_instance(self, obj: Any) -> str:
        words = {"programme": obj.programme.name, "left": format_yuan(self.standings[obj.pk].available_fen)}
        return str(_("%(programme)s · ¥%(left)s left") % words)


def grant_choice() -> GrantChoice:
    """Return the choice of a voucher; ``offer_grants`` says which there are."""
    return GrantChoice(
        Grant.objects.none(), label=_("Compute voucher"), required=False, empty_label=_("Pay without a voucher")
    )


def offer_grants(form: forms.Form, *, buyer: Organization, at: datetime, first: bool = False) -> None:
    """Let a form choose among the vouchers that a buyer can use, the ``first`` to expire by default if so wanted."""
    usable = selectors.usable_grants(owner=buyer, at=at)
    field = form.fields["grant"]
    assert isinstance(field, GrantChoice), "the form has a choice of vouchers"
    field.queryset = usable
    field.standings = {one.grant.pk: one for one in grants.standings(list(usable))}
    if first and usable:
        form.initial.setdefault("grant", usable[0].pk)
