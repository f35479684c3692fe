"""Where the rules of the auction are proposed by one person and published by another, and read by everyone."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.forms import ActionForm

from accounts.officers import OfficersAdmin, actor_of
from core import clock
from core.admin import ReadOnlyAdmin
from market.models import AuctionProposal, AuctionProposalStatus, AuctionRules
from market.services import auction_rules

TERMS = ["starts_at", "reserve_bp", "ageing_bp", "k_bp", "grounds"]
DECISION = ["proposed_by", "proposed_at", "decided_by", "decided_at", "note"]


@admin.register(AuctionRules)
class AuctionRulesAdmin(ReadOnlyAdmin):
    """By which rules auctions are held, who proposed and who published them. Never changed afterwards."""

    list_display = [*TERMS, "proposed_by", "published_by", "published_at"]
    list_select_related = ["proposal__proposed_by", "published_by"]
    ordering = ["-starts_at"]
    fields = [*TERMS, "proposed_by", "published_by", "published_at"]
    readonly_fields = ["proposed_by"]

    @admin.display(description=_("proposed by"))
    def proposed_by(self, rules: AuctionRules) -> Any:
        return rules.proposal and rules.proposal.proposed_by


class ProposalForm(forms.ModelForm):
    """Rules to be proposed; what makes no sense is said where it was entered."""

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        if all(name in told for name in TERMS):
            for name, fault in auction_rules.wrong(told, at=clock.now()).items():
                self.add_error(name, fault)
        return told

    def validate_constraints(self) -> None:
        """Leave it to the service, which says the same in words."""


class DecisionForm(ActionForm):
    """What to do with the chosen proposals; a rejection says why."""

    note = forms.CharField(
        label="",
        required=False,
        widget=forms.TextInput({
            "maxlength": 500,
            "placeholder": _("Why, if you reject it"),
            "aria-label": _("Why, if you reject it"),
            "class": "bg-white/20 px-2 py-1 rounded-default placeholder-white lg:w-72",
        }),
    )  # fmt: skip


@admin.register(AuctionProposal)
class AuctionProposalAdmin(OfficersAdmin):
    """Rules that somebody wants to hold auctions by: another person publishes them or turns them down."""

    form = ProposalForm
    action_form = DecisionForm
    list_display = ["starts_at", "state", *TERMS[1:], *DECISION]
    list_filter = ["status"]
    list_select_related = ["proposed_by", "decided_by"]
    readonly_fields = ["state"]
    ordering = ["-proposed_at"]
    actions = ["approve", "reject", "withdraw"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002 - Django's
        return TERMS if obj is None else ["state", *TERMS, *DECISION]

    @admin.display(description=_("State"), ordering="status")
    def state(self, proposal: AuctionProposal) -> Any:
        return AuctionProposalStatus(proposal.status).label

    def save_model(self, request: HttpRequest, obj: AuctionProposal, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 - Django's
        made = auction_rules.propose(actor=actor_of(request), at=clock.now(), **form.cleaned_data)
        obj.pk, obj._state.adding = made.pk, False

    @admin.action(description=_("Publish what another person proposed"), permissions=["move"])
    def approve(self, request: HttpRequest, rows: QuerySet[AuctionProposal]) -> None:
        self.move(request, rows, auction_rules.approve, "proposal")

    @admin.action(description=_("Reject, and say why"), permissions=["move"])
    def reject(self, request: HttpRequest, rows: QuerySet[AuctionProposal]) -> None:
        self.move(request, rows, auction_rules.reject, "proposal", note=request.POST.get("note", ""))

    @admin.action(description=_("Take back what you proposed"), permissions=["add"])
    def withdraw(self, request: HttpRequest, rows: QuerySet[AuctionProposal]) -> None:
        self.move(request, rows, auction_rules.withdraw, "proposal")
