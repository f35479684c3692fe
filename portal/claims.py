"""A claimant's claims: the list, each with its lines and reasons, and what can be answered to a refusal."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import OrganizationKind
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.prefetching import in_order
from portal import access, kept, paging
from portal.access import PAYING, PortalRequest, member_required, party_required
from portal.claim_forms import (
    AccountForm,
    AnswerForm,
    ClaimFilter,
    DocumentForm,
    InvoiceForm,
    NewClaimForm,
    SpendingForms,
    SubmitForm,
)
from vouchers.models import Claim, ClaimantKind, ClaimLine, ClaimStatus, EvidencePack, LineStatus, PayoutAccount
from vouchers.models.claim import WITH_CLAIMANT
from vouchers.services.claims import answers, evidence, packs, payouts, proofs, spending, steps

party_finance_required = member_required(OrganizationKind.BUYER, OrganizationKind.PROVIDER, roles=PAYING)
buyer_finance_required = member_required(OrganizationKind.BUYER, roles=PAYING)
LINES = 100


@party_required
def index(request: PortalRequest) -> HttpResponse:
    """List the organisation's claims, the newest first."""
    form = ClaimFilter(request.GET)
    rows = Claim.objects.of_claimant(request.organization).filter(**form.chosen()).with_names()
    accounts = PayoutAccount.objects.told().filter(organization=request.organization)
    context = {
        "form": form,
        "page": paging.page(request, rows),
        "accounts": accounts.order_by("-declared_at"),
        "account_form": AccountForm(initial={"holder": request.organization.name}),
        "buys": request.organization.kind == OrganizationKind.BUYER,
    }
    return render(request, "portal/claims.html", context)


def _mine(request: PortalRequest, claim_id: UUID) -> Claim:
    return get_object_or_404(Claim.objects.of_claimant(request.organization).with_names(), pk=claim_id)


@party_required
def detail(request: PortalRequest, claim_id: UUID) -> HttpResponse:
    """Show a claim with its lines, invoices, files and history."""
    return _page(request, _mine(request, claim_id))


def _page(request: PortalRequest, claim: Claim, **forms: Any) -> HttpResponse:
    named = ClaimLine.objects.filter(claim=claim).select_related("buyer", "provider")
    lines = named.prefetch_related(*in_order(ClaimLine, "invoices"))
    context = {
        "claim": claim,
        "page": paging.page(request, lines, ordering=("number",), size=LINES),
        "documents": claim.documents.order_by("-pk"),
        "takes_files": claim.status in evidence.TAKING_FILES,
        "events": claim.events.order_by("pk"),
        "packs": EvidencePack.objects.filter(claim=claim).order_by("kind"),
        "mine": request.rights.pay and claim.status in WITH_CLAIMANT,
        "can_withdraw": claim.status in (ClaimStatus.ASSEMBLED, ClaimStatus.RETURNED),
        "refused": lines.filter(_answerable(claim)).exists(),
        "letter": packs.letter(),
        "submit_form": SubmitForm(),
        "invoice_form": InvoiceForm(),
        "document_form": DocumentForm(),
        "answer_form": AnswerForm(),
    }
    return render(request, "portal/claim.html", context | forms)


def _answerable(claim: Claim) -> Q:
    """Return which lines may be answered: those refused, while there is time; a buyer's also where withheld."""
    refused = Q(status=LineStatus.REJECTED, resubmit_by__gt=clock.now())
    return refused | Q(status=LineStatus.WITHHELD) if claim.claimant_kind == ClaimantKind.BUYER else refused


@party_finance_required
def invoice(request: PortalRequest, claim_id: UUID) -> HttpResponse:
    """Name an invoice for lines of a claim."""
    return _with_form(request, claim_id, InvoiceForm, "invoice_form", _name_invoice)


@party_finance_required
def document(request: PortalRequest, claim_id: UUID) -> HttpResponse:
    """Hand a file in."""
    return _with_form(request, claim_id, DocumentForm, "document_form", _hand_in)


@party_finance_required
def submit(request: PortalRequest, claim_id: UUID) -> HttpResponse:
    """Sign the letter of commitment and hand the claim in."""
    return _with_form(request, claim_id, SubmitForm, "submit_form", _submit)


@party_finance_required
def answer(request: PortalRequest, claim_id: UUID) -> HttpResponse:
    """Hand refused lines in again, or contest them."""
    return _with_form(request, claim_id, AnswerForm, "answer_form", _answer)


def _with_form(
    request: PortalRequest, claim_id: UUID, form_class: Any, name: str, act: Callable[..., HttpResponse]
) -> HttpResponse:
    claim = _mine(request, claim_id)
    if request.method != "POST":
        return redirect("portal:claim", claim.pk)
    form = form_class(request.POST, request.FILES)
    if form.is_valid():
        try:
            return act(request, claim, form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
    return _page(request, claim, **{name: form})


def _about(request: PortalRequest, claim: Claim) -> dict[str, Any]:
    return {
        "claim": claim,
        "claimant": request.organization,
        "actor": access.actor(request),
        "at": clock.now(),
    }


def _name_invoice(request: PortalRequest, claim: Claim, data: dict[str, Any]) -> HttpResponse:
    steps.name_invoice(invoice=proofs.Invoice(**data), **_about(request, claim))
    return redirect("portal:claim", claim.pk)


def _hand_in(request: PortalRequest, claim: Claim, data: dict[str, Any]) -> HttpResponse:
    file = data["file"]
    evidence.hand_in(
        kind=data["kind"], name=file.name, content=file.read(), line=data["line"], **_about(request, claim)
    )
    messages.success(request, _("The file has been kept."))
    return redirect("portal:claim", claim.pk)


def _submit(request: PortalRequest, claim: Claim, data: dict[str, Any]) -> HttpResponse:
    steps.submit(committed=data["committed"], **_about(request, claim))
    messages.success(request, _("The claim is with the operator."))
    return redirect("portal:claim", claim.pk)


def _answer(request: PortalRequest, claim: Claim, data: dict[str, Any]) -> HttpResponse:
    about = _about(request, claim)
    if data["kind"] == "resubmit":
        made = answers.resubmit(lines=data["lines"], answer=data["answer"], **about)
        messages.success(request, _("The lines are in a new claim. Submit it when its papers are complete."))
        return redirect("portal:claim", made.pk)
    answers.dispute(lines=data["lines"], answer=data["answer"], **about)
    messages.success(request, _("Your objection is with the authority."))
    return redirect("portal:claim", claim.pk)


@require_POST
@party_finance_required
def withdraw(request: PortalRequest, claim_id: UUID) -> HttpResponse:
    """Take a claim back."""
    claim = _mine(request, claim_id)
    try:
        answers.withdraw(**_about(request, claim))
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:claim", claim.pk)


@party_required
def pack(request: PortalRequest, claim_id: UUID, kind: str) -> HttpResponse:
    """Download the evidence that the platform made for a claim."""
    found = EvidencePack.objects.filter(claim=_mine(request, claim_id), kind=kind).select_related("file").first()
    if found is None:
        raise Http404
    return kept.download(found.file, name=f"{found.claim.display_number}.{kind}")


@party_finance_required
def account(request: PortalRequest) -> HttpResponse:
    """Declare where the organisation wants to be paid."""
    form = AccountForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            payouts.declare(
                organization=request.organization,
                actor=access.actor(request),
                at=clock.now(),
                **form.cleaned_data,
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("The account is used as soon as the operator has verified it."))
            return redirect("portal:claims")
    return render(request, "portal/claim_account.html", {"form": form})


@buyer_finance_required
def new(request: PortalRequest) -> HttpResponse:
    """Put a claim together from what was spent."""
    sent = request.POST if request.method == "POST" else None
    form = NewClaimForm(sent, owner=request.organization)
    lines = SpendingForms(sent, prefix="line")
    if sent is not None and form.is_valid() and lines.is_valid():
        spendings = [spending.Spending(**one.cleaned_data) for one in lines if one.cleaned_data]
        try:
            claim = spending.put_together(
                claimant=request.organization,
                spendings=spendings,
                actor=access.actor(request),
                at=clock.now(),
                **form.cleaned_data,
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            return redirect("portal:claim", claim.pk)
    return render(request, "portal/claim_new.html", {"form": form, "lines": lines})
