"""Registers of people, keys and what was done; people and memberships are set up here."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import (
    ApiKey,
    AuditEntry,
    Interest,
    JobRun,
    Membership,
    Onboarding,
    OnboardingDocument,
    Organization,
    Relation,
    Shareholding,
    SigningKey,
    Trait,
    User,
)
from accounts.services import audit, keys, organizations, relations, second_factor
from accounts.services.audit import Actor
from core import clock
from core.admin import LeftToService, ModelAdmin, ReadOnlyAdmin, RefusalsShown, RelatedInline
from core.errors import DomainError
from core.forms import about


class Lasting:
    """What others have named stays: nobody deletes it, and no page asks all tables who has."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class PersonAdmin(Lasting, UserAdmin, ModelAdmin):
    """People who sign in, or may no longer; a lost second factor is removed here, by somebody else."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = ["remove_second_factor"]

    @admin.action(description=_("Remove the second factor of the selected people"), permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            try:
                second_factor.remove(user=user, actor=Actor(user=request.user), at=clock.now())  # type: ignore[arg-type]
            except DomainError as refusal:
                self.message_user(request, about(user, refusal), messages.ERROR)
            else:
                self.message_user(request, about(user, _("Noted.")))


class SeatInline(RelatedInline):
    """The people of an organisation: a seat stays that of its person."""

    model = Membership
    form = LeftToService
    readonly_fields = ["user"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NewSeatInline(RelatedInline):
    """Seats that are added: only these let somebody choose a person, which asks the database for each."""

    model = Membership
    form = LeftToService
    autocomplete_fields = ["user"]
    verbose_name_plural = _("new memberships")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).none()


@admin.register(Organization)
class OrganizationAdmin(Lasting, RefusalsShown):
    """Organisations and their members; the credit code is checked and then fixed."""

    list_display = ["name", "kind", "credit_code", "city", "size"]
    ordering = ["name", "pk"]  # pages of choices come in this order, which Django would leave to chance
    list_filter = ["kind", "size"]
    search_fields = ["name", "credit_code"]
    inlines = [SeatInline, NewSeatInline]

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.inlines if obj else [NewSeatInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["credit_code", "kind"] if obj else []

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        with organizations.refusing_seats():
            super().save_related(request, form, formsets, change)
        for gone in (one for formset in formsets for one in getattr(formset, "deleted_objects", [])):
            who = {"user": gone.user, "organization": gone.organization}
            keys.revoke_made_by(**who, actor=Actor(user=request.user), at=clock.now())  # type: ignore[arg-type]
        changed = [*form.changed_data, *(formset.prefix for formset in formsets if formset.has_changed())]
        audit.record(
            actor=Actor(user=request.user),  # type: ignore[arg-type]
            verb="organization.changed" if change else "organization.added",
            thing=form.instance,
            at=clock.now(),
            after={"changed": changed},
        )


class RelationForm(LeftToService):
    """A pair of organisations, in whichever order they were chosen: the register keeps the smaller key first."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        pair = [cleaned[name] for name in ("first", "second") if cleaned.get(name)]
        return cleaned | dict(zip(("first", "second"), sorted(pair, key=lambda one: one.pk), strict=False))


@admin.register(Relation)
class RelationAdmin(RefusalsShown, ReadOnlyAdmin):
    """Related parties: an operator declares them; nobody changes what was declared."""

    list_display = ["first", "second", "ground", "source", "declared_at"]
    list_filter = ["ground"]
    list_select_related = ["first", "second"]
    search_fields = ["first__name", "second__name"]
    form = RelationForm
    autocomplete_fields = ["first", "second"]
    fields = ["first", "second", "ground", "source"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("accounts.add_relation")

    def save_model(self, request: HttpRequest, obj: Relation, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        terms = {name: form.cleaned_data[name] for name in self.fields}
        obj.pk = relations.declare(actor=Actor(user=request.user), at=clock.now(), **terms).pk  # type: ignore[arg-type]


class FactAdmin(RefusalsShown, ReadOnlyAdmin):
    """Facts of the register: recorded by a service, and never changed here."""

    form = LeftToService
    fact_fields: list[str] = []
    readonly_fields = ["valid_to", "recorded_by", "recorded_at"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fact_fields if obj is None else [*self.fact_fields, *self.readonly_fields]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(f"accounts.add_{self.opts.model_name}"))


@admin.register(Shareholding)
class ShareholdingAdmin(FactAdmin):
    """Who holds whom, also beyond the platform."""

    list_display = ["holder_name", "held_name", "share_bp", "is_branch", "valid_from", "valid_to", "source"]
    search_fields = ["holder_code", "holder_name", "held_code", "held_name"]
    fact_fields = [
        "holder_code", "holder_name", "held_code", "held_name", "share_bp", "is_branch", "valid_from", "source",
    ]  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        told = dict(form.cleaned_data)
        for side in ("holder", "held"):
            told[side] = (told.pop(f"{side}_code"), told.pop(f"{side}_name"))
        actor = Actor(user=request.user)  # type: ignore[arg-type]
        obj.pk = relations.record_shareholding(actor=actor, at=clock.now(), **told).pk


@admin.register(Trait)
class TraitAdmin(FactAdmin):
    """People, accounts, numbers, places and devices of organisations."""

    list_display = ["organization", "kind", "value", "shared", "valid_from", "valid_to", "source"]
    list_select_related = ["organization"]
    list_filter = ["kind", "shared"]
    search_fields = ["organization__name", "value"]
    autocomplete_fields = ["organization"]
    fact_fields = ["organization", "kind", "value", "shared", "valid_from", "source"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        actor = Actor(user=request.user)  # type: ignore[arg-type]
        obj.pk = relations.record_trait(actor=actor, at=clock.now(), **form.cleaned_data).pk


@admin.register(Interest)
class InterestAdmin(ReadOnlyAdmin):
    """Conflicts of interest that people declared at the desk."""

    list_display = ["user", "organization", "note", "declared_at"]
    list_select_related = ["user", "organization"]
    search_fields = ["user__username", "organization__name"]


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys by prefix; the only thing to do here is to revoke one."""

    list_display = [
        "prefix",
        "name",
        "organization",
        "scopes",
        "expires_at",
        "last_used_at",
        "revoked_at",
    ]
    list_select_related = ["organization"]
    search_fields = ["prefix", "organization__name"]
    exclude = ["secret_hash"]
    actions = ["revoke_selected"]

    @admin.action(description=_("Revoke the selected keys"), permissions=["view"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            keys.revoke(key=key, actor=Actor(user=request.user), at=clock.now())  # type: ignore[arg-type]


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    """Public keys of providers; the only thing to do here is to revoke one."""

    list_display = ["id", "organization", "created_at", "revoked_at"]
    list_select_related = ["organization"]
    exclude = ["public_key"]
    actions = ["revoke_selected"]

    @admin.action(description=_("Revoke the selected keys"), permissions=["view"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[SigningKey]) -> None:
        for key in queryset:
            keys.revoke_signing_key(key=key, actor=Actor(user=request.user), at=clock.now())  # type: ignore[arg-type]


@admin.register(Onboarding)
class OnboardingAdmin(ReadOnlyAdmin):
    """Where providers stand; decisions are taken at the operator's desk."""

    list_display = ["organization", "status", "submitted_by", "submitted_at", "decided_by", "decided_at", "good_until"]
    list_select_related = ["organization", "submitted_by", "decided_by"]
    list_filter = ["status"]
    search_fields = ["organization__name", "organization__credit_code"]


@admin.register(OnboardingDocument)
class OnboardingDocumentAdmin(ReadOnlyAdmin):
    """What providers handed in; the files are handed out at the operator's desk only."""

    list_display = ["onboarding", "kind", "name", "media_type", "size", "uploaded_by", "uploaded_at"]
    list_select_related = ["onboarding__organization", "uploaded_by"]
    list_filter = ["kind"]
    exclude = ["file"]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """What people and keys did."""

    list_display = [
        "at",
        "actor",
        "actor_key",
        "organization",
        "verb",
        "object_type",
        "object_id",
    ]
    list_select_related = ["actor", "actor_key", "organization"]
    list_filter = ["verb"]
    search_fields = ["object_id"]


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """The last period of each periodic job."""

    list_display = ["job", "period_start"]
