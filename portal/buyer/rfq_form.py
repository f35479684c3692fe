"""The form of a request for quotations."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.periods import HOUR, hour_of
from market.models import Accelerator, Category
from market.services.rfqs import Wanted
from portal.fields import HourField, YuanField
from portal.forms import ConsoleForm

MOST = 1_000_000


class RfqForm(ConsoleForm):
    """What is asked for, until when providers may bid, and who may."""

    title = forms.CharField(label=_("Title"), max_length=120)
    category = forms.ChoiceField(label=_("Category"), choices=Category.choices)
    accelerators = forms.ModelMultipleChoiceField(
        Accelerator.objects.none(), label=_("Acceptable models"), required=False, widget=forms.CheckboxSelectMultiple
    )
    requirement = forms.CharField(
        label=_("Requirement"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )
    count = forms.IntegerField(label=_("Cards"), min_value=1, max_value=MOST)
    hours = forms.IntegerField(label=_("Hours in a row"), min_value=1, max_value=MOST)
    start_min = HourField(label=_("Earliest start"), help_text=_("Shanghai time, full hours."))
    start_max = HourField(label=_("Latest start"))
    bids_until = HourField(label=_("Bids until"), help_text=_("Nobody can read a bid before, not even you."))
    budget = YuanField(label=_("Budget (¥)"), required=False, help_text=_("Only you see it."))
    invited = forms.ModelMultipleChoiceField(
        Organization.objects.none(),
        label=_("Invited providers"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose none to let every provider bid."),
    )

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        soon = hour_of(at) + HOUR
        kwargs["initial"] = {
            "bids_until": soon + timedelta(days=2),
            "start_min": soon + timedelta(days=7),
            "start_max": soon + timedelta(days=10),
        }
        super().__init__(*args, **kwargs)
        self.fields["accelerators"].queryset = Accelerator.objects.order_by("vendor", "name")
        self.fields["invited"].queryset = Organization.objects.providers().order_by("name")

    def wanted(self) -> Wanted:
        """Return the valid form as what is asked for."""
        given = dict(self.cleaned_data)
        given["budget_fen"] = given.pop("budget")
        for several in ("accelerators", "invited"):
            given[several] = tuple(given[several])
        return Wanted(**given)
