"""The terms of service of an offering: providers publish them, buyers read them and agree."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.models import OrganizationKind
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from market.models import Offering
from market.services import terms
from portal import access
from portal.access import PortalRequest, buyer_trader_required, public, seller_trader_required
from portal.forms import ConsoleForm


class TermsForm(ConsoleForm):
    """The next version of the terms."""

    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=terms.MOST_CHARACTERS,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 16}),
    )


@public
def show(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Show the terms that count, with a button to agree where the reader buys."""
    offering = get_object_or_404(Offering.objects.listed(), pk=offering_id)
    counting = terms.current([offering]).get(offering.pk)
    buyer = request.organization if request.rights.trade else None
    buys = buyer is not None and buyer.kind == OrganizationKind.BUYER
    mine = terms.agreed([buyer.pk], [counting]) if buys and buyer and counting else {}
    context = {"offering": offering, "terms": counting, "buys": buys, "agreed": bool(mine)}
    return render(request, "portal/public/terms.html", context)


@require_POST
@buyer_trader_required
def agree(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Agree to the text that was shown."""
    offering = get_object_or_404(Offering.objects.listed(), pk=offering_id)
    try:
        terms.agree(
            offering=offering,
            buyer=request.organization,
            sha256=request.POST.get("sha256", ""),
            actor=access.actor(request),
            at=clock.now(),
        )
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:terms", offering.pk)


@seller_trader_required
def publish(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Show the versions of an offering's terms and publish the next."""
    offering = get_object_or_404(Offering.objects.of_provider(request.organization), pk=offering_id)
    counting = terms.current([offering]).get(offering.pk)
    sent = request.POST if request.method == "POST" else None
    form = TermsForm(sent, initial={"text": counting.text if counting else ""})
    if sent is not None and form.is_valid():
        try:
            terms.publish(
                offering=offering, text=form.cleaned_data["text"], actor=access.actor(request), at=clock.now()
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("The terms are published: buyers agree to them before their next order."))
            return redirect("portal:offering-mine", offering.pk)
    return render(request, "portal/seller/terms.html", {"offering": offering, "terms": counting, "form": form})
