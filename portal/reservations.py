"""What both parties see of a reservation, and the forms with which they act on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from market.models import DowntimeCode, Reservation
from market.models.stops import PROVIDER_STOPS
from market.services import lifecycle
from portal import access
from portal.access import PortalRequest
from portal.fields import MinuteField
from portal.forms import ConsoleForm

Service = Callable[..., Any]
Again = Callable[[dict[str, ConsoleForm]], HttpResponse]


class NoForm(ConsoleForm):
    """Nothing to fill in."""


class AccessForm(ConsoleForm):
    """How the buyer gets in."""

    details = forms.CharField(
        label=gettext_lazy("How the buyer gets in"), max_length=8_000, widget=forms.Textarea(attrs={"rows": 4})
    )


class StopForm(ConsoleForm):
    """Why the provider ends the reservation."""

    code = forms.ChoiceField(
        label=gettext_lazy("Reason"), choices=[(code.value, code.label) for code in PROVIDER_STOPS]
    )
    detail = forms.CharField(label=gettext_lazy("Detail"), max_length=500, required=False)


class DowntimeForm(ConsoleForm):
    """When the cards could not be used, and why."""

    starts_at = MinuteField(label=gettext_lazy("From"))
    ends_at = MinuteField(label=gettext_lazy("Until"))
    code = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=[choice for choice in DowntimeCode.choices if choice[0] != DowntimeCode.NOT_USABLE],
    )
    detail = forms.CharField(label=gettext_lazy("Detail"), max_length=500, required=False)


class DisputeForm(ConsoleForm):
    """What is wrong with the access."""

    detail = forms.CharField(label=gettext_lazy("What does not work"), max_length=500)


class ReviewForm(ConsoleForm):
    """Stars and words."""

    stars = forms.TypedChoiceField(
        label=gettext_lazy("Stars"), choices=[(number, "★" * number) for number in range(5, 0, -1)], coerce=int
    )
    text = forms.CharField(
        label=gettext_lazy("Review"), max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class AnswerForm(ConsoleForm):
    """An answer in words."""

    text = forms.CharField(label=gettext_lazy("Answer"), max_length=2_000)


class ContestForm(ConsoleForm):
    """Why it was not so."""

    answer = forms.CharField(label=gettext_lazy("Why it was not so"), max_length=500)


@dataclass(frozen=True, slots=True)
class Verb:
    """Something to do: a form, the service that it fills, and what the page calls the form, if it has it by itself."""

    form: type[ConsoleForm]
    service: Service
    name: str = ""

    def bound(self, request: PortalRequest) -> ConsoleForm:
        """Return the form with what was sent."""
        return self.form(request.POST, auto_id=f"{self.name}_%s")


def shown(reservation: Reservation) -> dict[str, Any]:
    """Return what both parties see."""
    return {
        "reservation": reservation,
        "events": reservation.events.select_related("organization").order_by("at", "pk")[:200],
        "downtimes": reservation.downtimes.select_related("reported_by").order_by("starts_at", "pk"),
        "review": getattr(reservation, "review", None),
        "deadline": lifecycle.deadline(reservation),
        "taken_lines": reservation.taken_lines.order_by("pk")[:200],
        "downtime_form": DowntimeForm(auto_id="downtime_%s"),
    }


def act(
    request: PortalRequest,
    verbs: Mapping[str, Verb],
    verb: str,
    things: Mapping[str, Any],
    back: str,
    pk: Any,
    again: Again | None = None,
) -> HttpResponse:
    """Do what a form asks, say how that went, and go back to the page: of ``pk``, or a list.

    A form that the page has by itself is shown ``again`` if it is refused, with what was typed.
    """
    if verb not in verbs:
        raise Http404
    chosen, address = verbs[verb], [back] if pk is None else [back, pk]
    form = chosen.bound(request)
    if form.is_valid() and _done(request, chosen, form, things):
        messages.success(request, _("Noted."))
        return redirect(*address)
    if again is not None and chosen.name:
        return again({f"{chosen.name}_form": form})
    messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect(*address)


def _done(request: PortalRequest, chosen: Verb, form: ConsoleForm, things: Mapping[str, Any]) -> bool:
    try:
        chosen.service(**things, **form.cleaned_data, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        if error.detail:
            show_refusal(form, error)
        else:
            form.add_error(None, _("This is not possible."))
        return False
    return True
