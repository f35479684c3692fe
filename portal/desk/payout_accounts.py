"""Accounts that claimants declared: one person of the operator decides on each, and what became of them."""

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


class RefuseForm(ConsoleForm):
    """Why an account is turned down."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, required=False)


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
        used_ends_with=Subquery(used.annotate(ends_with=Right(F("number"), 4)).values("ends_with")),
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
    """Verify an account, or turn it down with a reason."""
    account = get_object_or_404(PayoutAccount, pk=account_id)
    who: dict[str, Any] = {"account": account, "actor": access.actor(request), "at": clock.now()}
    try:
        if verb == "verify":
            payouts.verify(**who)
        elif verb == "refuse":
            form = RefuseForm(request.POST)
            require_valid(form)
            payouts.refuse(reason=form.cleaned_data["reason"], **who)
        else:
            raise Http404
    except DomainError as error:
        messages.error(request, str(error.detail))
        return _listed(request, Typed(account.pk, verb, request.POST, str(error.detail)))
    messages.success(request, _("Noted."))
    return queues.back(request, PAGE)
