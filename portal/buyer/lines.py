"""Lines beside the card-hour of a reservation: what they cost is shown before they are taken."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from billing.services import taken_lines
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.money import format_micro
from market.line_pricing import MOST_QUANTITY
from market.models import ExtraLine, LineUnit, Reservation
from portal import access
from portal.access import PortalRequest, buyer_trader_required
from portal.buyer.changes import mine
from portal.forms import INPUT, ConsoleForm

FIELD_OF = {"lines": "line"}


def label(line: ExtraLine) -> str:
    """Name a line with its price and its unit."""
    return f"{line.name} · ¥{format_micro(line.price_micro)} / {line.unit_name}"


def sold(offering_id: UUID) -> QuerySet[ExtraLine]:
    """Return the lines that can be taken with cards of an offering."""
    return ExtraLine.objects.filter(offering=offering_id, unit__in=LineUnit.values).order_by("pk")


def offer_lines(form: forms.Form, *, offering_id: UUID) -> None:
    """Let a form take lines of an offering along: a field for the quantity of each."""
    for line in sold(offering_id):
        form.fields[f"line_{line.pk}"] = forms.IntegerField(
            label=label(line),
            required=False,
            min_value=1,
            max_value=MOST_QUANTITY,
            widget=forms.NumberInput(attrs={"class": INPUT}),
        )


def fields(form: forms.Form) -> list[forms.BoundField]:
    """Return the fields of a form by which lines are taken along."""
    return [form[name] for name in form.fields if name.startswith("line_")]


def taken(form: forms.Form) -> dict[int, int]:
    """Return the quantities of lines that a valid form takes along, by their ids."""
    given = form.cleaned_data
    return {int(name.removeprefix("line_")): given[name] for name in given if name.startswith("line_") and given[name]}


class LineChoice(forms.ModelChoiceField):
    """A line with its price and its unit."""

    def label_from_instance(self, obj: Any) -> str:
        return label(obj)


class LineForm(ConsoleForm):
    """Which line to take, and how much of it."""

    line = LineChoice(ExtraLine.objects.none(), label=gettext_lazy("Sold beside the cards"), empty_label=None)
    quantity = forms.IntegerField(label=gettext_lazy("Quantity"), min_value=1, max_value=MOST_QUANTITY)

    def __init__(self, *args: Any, reservation: Reservation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["line"].queryset = sold(reservation.offering_id)


@buyer_trader_required
def show(request: PortalRequest, reservation_id: UUID) -> HttpResponse:
    """Tell what a quantity of a line costs, or take it."""
    reservation, at = mine(request, reservation_id), clock.now()
    sent = request.POST if request.method == "POST" else None
    form, told = LineForm(sent, reservation=reservation), None
    if sent is not None and form.is_valid():
        wanted = {form.cleaned_data["line"].pk: form.cleaned_data["quantity"]}
        try:
            if "quote" not in sent:
                taken_lines.take(reservation=reservation, wanted=wanted, actor=access.actor(request), at=at)
                messages.success(request, _("Taken: the money for it is set aside."))
                return redirect("portal:my-reservation", reservation.pk)
            (told,) = taken_lines.quote(reservation=reservation, wanted=wanted, at=at)
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
    context = {"reservation": reservation, "form": form, "told": told, "sold": form.fields["line"].queryset.exists()}
    return render(request, "portal/buyer/reservation_lines.html", context)


@require_POST
@buyer_trader_required
def give_up(request: PortalRequest, reservation_id: UUID, line_id: UUID) -> HttpResponse:
    """Give a line up from the next full hour on."""
    reservation = mine(request, reservation_id)
    try:
        line = taken_lines.of_reservation(reservation=reservation, line_id=line_id)
        taken_lines.give_up(line=line, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Given up: what it had set aside for later is free again."))
    return redirect("portal:my-reservation", reservation.pk)
