"""The form of a round's procedure: what the programme's parameters say, unless the round says otherwise."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.fields import MinuteField, YuanField
from portal.forms import ConsoleForm
from vouchers import allocation
from vouchers.models import Evidence, Programme
from vouchers.models.application_round import METHODS
from vouchers.services.applications import rounds

NAMES = {"budget_fen": "budget", "most_fen": "most", "seed_commitment": "seed"}


def _days(label: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=365)


class RoundForm(ConsoleForm):
    """The procedure of a round, filled with what its programme says."""

    name = forms.CharField(label=_("Name"), max_length=120)
    opens_at = MinuteField(label=_("Opens at"))
    closes_at = MinuteField(label=_("Closes at"))
    method = forms.ChoiceField(label=_("Method"), choices=METHODS)
    budget = YuanField(
        label=_("Budget of the round (¥)"), required=False, help_text=_("Empty: what is left of the programme.")
    )
    most = YuanField(label=_("Largest award (¥)"), required=False)
    per_applicant = forms.IntegerField(
        label=_("Applications per firm"), required=False, min_value=1, max_value=1_000, help_text=_("Empty: no limit.")
    )
    reviewers = forms.IntegerField(label=_("Reviewers"), min_value=0, max_value=2)
    panel_size = forms.IntegerField(label=_("Experts who score"), min_value=0, max_value=15)
    review_days = _days(_("Days for each review"))
    supplement_days = _days(_("Days to supplement"))
    publicity_days = _days(_("Days of publicity"))
    appeal_days = _days(_("Days to appeal"))
    seed = forms.CharField(
        label=_("Seed of a lottery"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Only its commitment is kept: note the seed down, it is asked for when lots are drawn."),
    )
    required_evidence = forms.MultipleChoiceField(
        label=_("Required evidence"), required=False, choices=Evidence.choices, widget=forms.CheckboxSelectMultiple
    )
    district_review = forms.BooleanField(label=_("Districts review first"), required=False)
    once_per_contract = forms.BooleanField(label=_("Each contract once"), required=False)
    partly = forms.BooleanField(label=_("Awards in part when short"), required=False)

    def __init__(self, data: Any, *, programme: Programme) -> None:
        said = rounds.defaults(programme)
        super().__init__(data, initial={"review_days": 5, **said})
        self.said_commitment = said["seed_commitment"]

    def procedure(self) -> dict[str, Any]:
        """Return the valid form as the parameters of a round."""
        given = dict(self.cleaned_data)
        seed = given.pop("seed").strip()
        commitment = allocation.seed_commitment(seed) if seed else self.said_commitment
        return given | {
            "budget_fen": given.pop("budget"),
            "most_fen": given.pop("most"),
            "seed_commitment": commitment,
        }
