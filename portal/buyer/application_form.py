"""The form of an application: the contract, its lines, and how much is asked for."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from portal import explanations
from portal.fields import UploadField, YuanField
from portal.forms import ConsoleForm
from portal.stated import StatedForm
from vouchers.models import Application, Evidence, Round

ROWS = 4
CATEGORIES = [("", "–"), *explanations.CATEGORIES.items()]
CONTENT = ("district", "purpose", "contract_no", "contract_signed_on", "provider")


class ApplicationForm(StatedForm):
    """What an application says, and what the firm states of itself."""

    def __init__(self, *args: Any, procedure: Round, application: Application | None = None, **kwargs: Any) -> None:
        stated = application.facts if application else None
        super().__init__(*args, programme=procedure.programme, stated=stated, **kwargs)
        self.facts = [*self.fields]
        self.fields.update(_content(procedure))
        for number in range(ROWS):
            self.fields[f"category_{number}"] = forms.ChoiceField(
                label=_("Category"), choices=CATEGORIES, required=False
            )
            self.fields[f"amount_{number}"] = YuanField(label=_("Amount (¥)"), required=False)
        self._dress()
        if application:
            self.initial.update(_initial(application))

    def clean(self) -> dict[str, Any]:
        """A line has both a category and an amount, or neither."""
        given = super().clean() or {}
        for number in range(ROWS):
            category, amount = given.get(f"category_{number}"), given.get(f"amount_{number}")
            if bool(category) != bool(amount) and f"amount_{number}" not in self.errors:
                self.add_error(f"amount_{number}", _("A line has a category and an amount."))
        return given

    def content(self) -> dict[str, Any]:
        """Return the valid form as the service takes it."""
        given = self.cleaned_data
        lines = [(given[f"category_{number}"], given[f"amount_{number}"]) for number in range(ROWS)]
        return {
            **{name: given[name] for name in CONTENT},
            "asked_fen": given["asked"],
            "lines": [{"category": category, "amount_fen": fen} for category, fen in lines if category],
            "facts": self.stated(),
        }

    def rows(self) -> list[tuple[Any, Any]]:
        """Return the fields of each line of the contract."""
        return [(self[f"category_{number}"], self[f"amount_{number}"]) for number in range(ROWS)]

    def stated_fields(self) -> list[Any]:
        """Return the fields in which the firm states something of itself."""
        return [self[name] for name in self.facts]


class EvidenceForm(ConsoleForm):
    """A file, and what it is."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Evidence.choices)
    file = UploadField(
        label=_("File"),
        max_length=200,
        help_text=_("PDF, PNG, JPEG, xlsx, OFD or XML, at most 5 MB."),
        widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg,.xlsx,.ofd,.xml"}),
    )


def _content(procedure: Round) -> dict[str, forms.Field]:
    programme = procedure.programme
    providers = Organization.objects.providers() if programme.open_registry else programme.providers.all()
    day = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return {
        "asked": YuanField(label=_("Asked for (¥)")),
        "provider": forms.ModelChoiceField(
            providers.order_by("name"), label=_("Provider"), required=False, empty_label=_("not chosen")
        ),
        "contract_no": forms.CharField(label=_("Contract number"), required=False, max_length=80),
        "contract_signed_on": forms.DateField(label=_("Contract signed on"), required=False, widget=day),
        "district": forms.CharField(label=_("District"), required=False, max_length=40),
        "purpose": forms.CharField(
            label=_("What the compute is for"), required=False, max_length=2_000, widget=forms.Textarea({"rows": 3})
        ),
    }


def _initial(application: Application) -> dict[str, Any]:
    initial: dict[str, Any] = {name: getattr(application, name) for name in CONTENT}
    initial["asked"] = application.asked_fen or None
    for number, line in enumerate(application.lines[:ROWS]):
        initial |= {f"category_{number}": line["category"], f"amount_{number}": line["amount_fen"]}
    return initial
