"""What a person types about the registry of providers."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization, OrganizationKind
from portal.fields import DayField, PriceField, SheetField
from portal.forms import ConsoleForm, FilterForm
from vouchers.models import ListingStatus, Programme, ProviderListing
from vouchers.models.provider_listing import STANDING

SOON = 30
MOST_BYTES = 1_000_000
ONE_DAY = timedelta(days=1)


def programmes(organization: Organization) -> QuerySet[Programme]:
    """Return the programmes whose registry an organisation keeps: an authority its own, the operator all in force."""
    if organization.kind == OrganizationKind.OPERATOR:
        return Programme.objects.filter(published_at__isnull=False).order_by("name")
    return Programme.objects.of_authority(organization).order_by("name")


class RegistryFilter(FilterForm):
    """Which listings to show."""

    q = forms.CharField(label=gettext_lazy("Provider or credit code"), required=False, max_length=120)
    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"), required=False)
    item = forms.CharField(label=gettext_lazy("Service item"), required=False, max_length=200)
    batch = forms.CharField(label=gettext_lazy("Batch of the registry"), required=False, max_length=80)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("Any")), ("waiting", gettext_lazy("To be decided")), *ListingStatus.choices],
    )
    soon = forms.BooleanField(label=gettext_lazy("Ends within 30 days"), required=False)

    def __init__(self, data: Any, *, authority: Organization) -> None:
        super().__init__(data)
        self.fields["programme"].queryset = programmes(authority)

    def narrow(self, rows: QuerySet[ProviderListing], today: date) -> QuerySet[ProviderListing]:
        """Keep the rows that the filters ask for."""
        chosen = self.chosen()
        if "q" in chosen:
            code = Q(provider__credit_code__iexact=chosen["q"].strip())
            rows = rows.filter(Q(provider__name__icontains=chosen["q"]) | code)
        rows = rows.filter(**{name: chosen[name] for name in ("programme", "item", "batch") if name in chosen})
        if chosen.get("state") == "waiting":
            rows = rows.filter(status__in=[ListingStatus.APPLIED, ListingStatus.REVIEW])
        elif "state" in chosen:
            rows = rows.filter(status=chosen["state"])
        if "soon" in chosen:
            rows = rows.filter(status__in=STANDING, valid_until__lte=today + SOON * ONE_DAY)
        return rows


class ListingForm(ConsoleForm):
    """A provider for a service item, from a first to a last day."""

    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"))
    credit_code = forms.CharField(label=gettext_lazy("Unified social credit code of the provider"), max_length=18)
    item = forms.CharField(
        label=gettext_lazy("Service item"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("The code of an item of the programme; without one the listing pays for all."),
    )
    batch = forms.CharField(label=gettext_lazy("Batch of the registry"), max_length=80, required=False)
    first_on = DayField(label=gettext_lazy("First day"))
    last_on = DayField(label=gettext_lazy("Last day"))

    def __init__(self, *args: Any, authority: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["programme"].queryset = programmes(authority).filter(published_at__isnull=False)

    def clean_credit_code(self) -> Organization:
        code = self.cleaned_data["credit_code"].strip().upper()
        provider = Organization.objects.providers().filter(credit_code=code).first()
        if provider is None:
            raise forms.ValidationError(_("No provider is registered under this credit code."), code="unknown")
        return provider

    def terms(self) -> dict[str, Any]:
        """Return what a listing is applied for with; days are half-open there."""
        said = self.cleaned_data
        return {
            "programme": said["programme"],
            "provider": said["credit_code"],
            "item": said["item"],
            "batch": said["batch"],
            "valid_from": said["first_on"],
            "valid_until": said["last_on"] + ONE_DAY,
        }


class GroundForm(ConsoleForm):
    """Why a listing is turned down, suspended or delisted."""

    reason = forms.CharField(max_length=500, required=False)


class FilingForm(ConsoleForm):
    """A price and the day from which it is in force."""

    price = PriceField(label=gettext_lazy("Filed price (¥ per card-hour)"))
    first_on = DayField(label=gettext_lazy("In force from"))


class SheetForm(ConsoleForm):
    """A sheet of providers for the registry of a programme."""

    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"))
    file = SheetField(most_bytes=MOST_BYTES)

    def __init__(self, *args: Any, authority: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["programme"].queryset = programmes(authority).filter(published_at__isnull=False)
