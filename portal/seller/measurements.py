"""What a provider measured on its cards."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from market.models import Accelerator, Density, Measurement, Metric, Offering
from market.models.measurement import LEAST_RUNS
from market.services import measurements
from market.services.measurements import Reading
from portal import access, paging
from portal.access import PortalRequest, seller_required
from portal.forms import ConsoleForm

DAY = {"type": "date"}


class MeasurementForm(ConsoleForm):
    """The median of runs of a benchmark."""

    accelerator = forms.ModelChoiceField(Accelerator.objects.none(), label=gettext_lazy("Model"))
    metric = forms.ChoiceField(label=gettext_lazy("Figure"), choices=Metric.choices)
    density = forms.ChoiceField(
        label=gettext_lazy("Density"),
        required=False,
        choices=[("", gettext_lazy("not a rate")), *Density.choices],
    )
    value = forms.IntegerField(
        label=gettext_lazy("Median"),
        min_value=1,
        max_value=measurements.MOST_VALUE,
        help_text=gettext_lazy("In the unit in which the figure is published on the page of the model."),
    )
    runs = forms.IntegerField(label=gettext_lazy("Runs"), min_value=LEAST_RUNS, max_value=1_000_000)
    source = forms.CharField(
        label=gettext_lazy("Source"), max_length=150, help_text=gettext_lazy("Benchmark, version, machine.")
    )
    measured_on = forms.DateField(label=gettext_lazy("Measured"), widget=forms.DateInput(attrs=DAY))
    expires_on = forms.DateField(label=gettext_lazy("Expires"), widget=forms.DateInput(attrs=DAY))

    def __init__(self, *args: Any, provider: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = Offering.objects.of_provider(provider)
        cards = Accelerator.objects.filter(offerings__in=mine).distinct().order_by("vendor", "name")
        self.fields["accelerator"].queryset = cards


@seller_required
def index(request: PortalRequest) -> HttpResponse:
    """List the provider's measurements, and take another of its traders."""
    sent = request.POST if request.method == "POST" and request.rights.trade else None
    form = MeasurementForm(sent, provider=request.organization)
    if sent is not None and form.is_valid():
        try:
            given = dict(form.cleaned_data)
            measurements.submit(
                provider=request.organization,
                accelerator=given.pop("accelerator"),
                reading=Reading(**given),
                actor=access.actor(request),
                at=clock.now(),
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Reported. It counts once the operator has accepted it."))
            return redirect("portal:measurements")
    rows = Measurement.objects.filter(provider=request.organization).select_related("accelerator")
    return render(request, "portal/seller/measurements.html", {"form": form, "page": paging.page(request, rows)})
