"""What claimants type: invoices by the numbers of lines, spending, answers, an account."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from core import clock
from market.models import Category
from portal.fields import UploadField, YuanField
from portal.forms import ConsoleForm, FilterForm
from vouchers.models import ClaimStatus, DocumentKind, Grant, Programme, ProgrammeMode

RANGE = re.compile(r"(\d{1,4})(?:\s*[-–~]\s*(\d{1,4}))?")
MOST_NUMBERS = 2_000
ROWS = 5
DATE = {"type": "date"}


class LinesField(forms.CharField):
    """Numbers of lines as people write them: ``1, 3-5``."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        parts = [part for part in re.split(r"[,，、\s]+(?![-–~])", str(text).strip()) if part]
        found: set[int] = set()
        for part in parts:
            match = RANGE.fullmatch(part)
            if match is None:
                raise ValidationError(_("Write numbers of lines, for example 1, 3-5."), code="lines")
            first, last = int(match[1]), int(match[2] or match[1])
            found |= set(range(first, min(last, first + MOST_NUMBERS) + 1))
        return sorted(found)


class ClaimFilter(FilterForm):
    """Which claims to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *ClaimStatus.choices]
    )


class InvoiceForm(ConsoleForm):
    """An invoice for some lines."""

    number = forms.CharField(label=gettext_lazy("Number of the invoice"), max_length=40)
    amount_fen = YuanField(label=gettext_lazy("Amount of the invoice (¥)"))
    issued_on = forms.DateField(label=gettext_lazy("Issued on"), widget=forms.DateInput(attrs=DATE))
    lines = LinesField(label=gettext_lazy("Lines"), max_length=400, help_text=gettext_lazy("For example 1, 3-5."))


class DocumentForm(ConsoleForm):
    """A file, and what it shows."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=DocumentKind.choices)
    line = forms.IntegerField(label=gettext_lazy("Line"), required=False, min_value=1, max_value=32_767)
    file = UploadField(
        label=gettext_lazy("File"),
        max_length=120,
        help_text=gettext_lazy("PDF, PNG or JPEG, at most 5 MB."),
        widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg"}),
    )


class SubmitForm(ConsoleForm):
    """The letter of commitment."""

    committed = forms.BooleanField(label=gettext_lazy("We sign the letter of commitment."), required=True)


class AnswerForm(ConsoleForm):
    """What a claimant answers to refused lines."""

    lines = LinesField(label=gettext_lazy("Lines"), max_length=400, help_text=gettext_lazy("For example 1, 3-5."))
    kind = forms.ChoiceField(
        label=gettext_lazy("Answer"),
        choices=[("resubmit", gettext_lazy("Hand in again")), ("dispute", gettext_lazy("Contest the refusal"))],
    )
    answer = forms.CharField(
        label=gettext_lazy("What is new, or why"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 3})
    )


class AccountForm(ConsoleForm):
    """A bank account of the organisation."""

    holder = forms.CharField(
        label=gettext_lazy("Account holder"),
        max_length=200,
        help_text=gettext_lazy("The registered name of the organisation."),
    )
    bank = forms.CharField(label=gettext_lazy("Bank and branch"), max_length=200)
    number = forms.CharField(label=gettext_lazy("Account number"), max_length=40)


class NewClaimForm(ConsoleForm):
    """Under which programme, and out of which voucher, a buyer claims."""

    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"))
    grant = forms.ModelChoiceField(
        Grant.objects.none(),
        label=gettext_lazy("Compute voucher"),
        required=False,
        help_text=gettext_lazy("Where the programme grants vouchers before use."),
    )
    final = forms.BooleanField(
        label=gettext_lazy("Last claim of the contract: what the voucher has left returns to the programme."),
        required=False,
    )

    def __init__(self, *args: Any, owner: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        later = (ProgrammeMode.GRANT_THEN_CLAIM, ProgrammeMode.REIMBURSE)
        rows = Programme.objects.filter(mode__in=later, published_at__isnull=False)
        self.fields["programme"].queryset = rows.order_by("name")
        grants = Grant.objects.of_owner(owner).usable(clock.now()).filter(programme__in=rows)
        self.fields["grant"].queryset = grants.select_related("programme").order_by("expires_at")


class SpendingForm(ConsoleForm):
    """One line of a buyer's claim."""

    contract_no = forms.CharField(label=gettext_lazy("Contract number"), max_length=120)
    category = forms.ChoiceField(label=gettext_lazy("Category"), choices=Category.choices)
    provider = forms.CharField(label=gettext_lazy("Unified social credit code of the provider"), max_length=18)
    amount_fen = YuanField(label=gettext_lazy("Eligible spending (¥)"))
    used_until = forms.DateField(label=gettext_lazy("Used until"), widget=forms.DateInput(attrs=DATE))
    invoice_no = forms.CharField(label=gettext_lazy("Number of the invoice"), max_length=40)
    invoice_fen = YuanField(label=gettext_lazy("Amount of the invoice (¥)"))
    invoiced_on = forms.DateField(label=gettext_lazy("Issued on"), widget=forms.DateInput(attrs=DATE))

    contract_from = forms.DateField(
        label=gettext_lazy("First day of the contract"), required=False, widget=forms.DateInput(attrs=DATE)
    )
    contract_until = forms.DateField(
        label=gettext_lazy("Last day of the contract"),
        required=False,
        widget=forms.DateInput(attrs=DATE),
        help_text=gettext_lazy("Needed where the programme counts the days in its period."),
    )

    def clean_provider(self) -> Organization:
        code = self.cleaned_data["provider"].strip().upper()
        provider = Organization.objects.providers().filter(credit_code=code).first()
        if provider is None:
            raise ValidationError(_("No provider is registered under this credit code."), code="unknown")
        return provider


SpendingForms = forms.formset_factory(SpendingForm, extra=ROWS, max_num=200, absolute_max=200, validate_max=True)
