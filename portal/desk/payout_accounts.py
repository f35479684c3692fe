"""Accounts that claimants declared: one person of the operator decides on each, and what became of them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Right
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from portal import access, paging
from portal.access import PortalRequest, duty_required
from portal.desk import queues
from portal.desk.queues import NOTHING_TYPED, Typed
from portal.forms import ConsoleForm, FilterForm, require_valid
from vouchers.models import AccountState, PayoutAccount
from vouchers.services.claims import payouts

PAGE = "portal:accounts-desk"
OLDEST_FIRST, NEWEST_FIRST = ("declared_at", "pk"), ("-declared_at", "-pk")


class AccountFilter(FilterForm):
    """Which accounts to show."""

    q = forms.CharField(label=gettext_lazy("Claimant or credit code"), required=False, max_length=120)
    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *AccountState.choices]
    )


class VerifyForm(ConsoleForm):
    """The number as a paper of the bank has it, and which paper that is."""

    number = forms.CharField(label=gettext_lazy("Number in the bank's paper"), max_length=60)
    compared_with = forms.CharField(label=gettext_lazy("Which paper"), max_length=200, required=False)


class RefuseForm(ConsoleForm):
    """Why an account is turned down."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, required=False)


VERBS: dict[str, tuple[type[ConsoleForm], Callable[..., PayoutAccount]]] = {
    "verify": (VerifyForm, payouts.verify),
    "refuse": (RefuseForm, payouts.refuse),
}


@duty_required(Duty.CHECK_CLAIMS)
def index(request: PortalRequest) -> HttpResponse:
    """List the accounts, those that wait unless asked otherwise."""
    return _listed(request, NOTHING_TYPED)


def _listed(request: PortalRequest, typed: Typed) -> HttpResponse:
    """Show what waits the longest first, everything else the latest first."""
    asked = request.GET.copy()
    asked.setdefault("state", AccountState.DECLARED)
    form = AccountFilter(asked)
    chosen = form.chosen()
    order = OLDEST_FIRST if chosen.get("state") == AccountState.DECLARED else NEWEST_FIRST
    page = paging.page(request, _narrowed(chosen), ordering=order)
    context = {"form": form, "page": page, "query": request.GET.urlencode(), "typed": typed}
    return render(request, "portal/desk/payout_accounts.html", context)


def _narrowed(chosen: dict[str, Any]) -> QuerySet[PayoutAccount]:
    """Return the accounts that the filters leave, each beside the one to which its claimant is paid so far."""
    used = PayoutAccount.objects.current().filter(organization=OuterRef("organization")).exclude(pk=OuterRef("pk"))
    rows = PayoutAccount.objects.select_related("organization", "declared_by", "verified_by", "refused_by").annotate(
        used_bank=Subquery(used.values("bank")),
        used_ends_with=Subquery(used.annotate(tail=Right(F("number"), 4)).values("tail")),
        used_since=Subquery(used.values("verified_at")),
    )
    if "state" in chosen:
        rows = rows.in_state(chosen["state"])
    if "q" in chosen:
        asked = chosen["q"].strip()
        rows = rows.filter(Q(organization__name__icontains=asked) | Q(organization__credit_code__iexact=asked))
    return rows


@duty_required(Duty.CHECK_CLAIMS)
@queues.sent_from(PAGE)
def decide(request: PortalRequest, account_id: UUID, verb: str) -> HttpResponse:
    """Verify an account by its number in the bank's paper, or turn it down with a reason."""
    account = get_object_or_404(PayoutAccount, pk=account_id)
    who: dict[str, Any] = {"account": account, "actor": access.actor(request), "at": clock.now()}
    if verb not in VERBS:
        raise Http404
    form_class, act = VERBS[verb]
    form = form_class(request.POST)
    try:
        require_valid(form)
        act(**form.cleaned_data, **who)
    except DomainError as error:
        messages.error(request, str(error.detail))
        return _listed(request, Typed(account.pk, verb, request.POST, str(error.detail)))
    messages.success(request, _("Noted."))
    return queues.back(request, PAGE)
