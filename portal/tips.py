"""A page on which everyone may report misuse of vouchers, without saying who they are."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal.access import PortalRequest, public
from portal.forms import ConsoleForm
from vouchers.api.integrity import TipRate
from vouchers.services import tips


class TipForm(ConsoleForm):
    """What happened; the rest helps, and is not needed."""

    text = forms.CharField(
        label=gettext_lazy("What happened"),
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=gettext_lazy("When, who with whom, how much, and how you know."),
    )
    about = forms.CharField(label=gettext_lazy("Which firm"), max_length=200, required=False)
    contact = forms.CharField(
        label=gettext_lazy("How to reach you"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Leave it empty to stay unknown; then nobody can ask you anything."),
    )


@public
def tip(request: PortalRequest) -> HttpResponse:
    """Take a tip and give it a number, a few an hour from one address."""
    form = TipForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not TipRate().allow_request(request, None):  # type: ignore[arg-type]
            form.add_error(None, _("Too many tips from here. Try again in an hour."))
            return render(request, "portal/public/tip.html", {"form": form}, status=429)
        try:
            received = tips.receive(at=clock.now(), **form.cleaned_data)
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            return render(request, "portal/public/tip.html", {"received": received})
    return render(request, "portal/public/tip.html", {"form": form})
