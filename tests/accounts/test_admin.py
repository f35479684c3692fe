"""Registers of accounts, and the two things that are done there: setting up organisations, revoking keys."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, AuditEntry, Authenticator, Membership, Organization, SigningKey, User
from accounts.services import jobs, keys
from accounts.services.audit import SYSTEM, Actor
from tests import verified
from tests.billing import scenes as people
from tests.market import scenes
from tests.market.scenes import AT

CODE = "91440300708461136T"


@pytest.fixture
def officer(db):
    user = people.person("officer")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def key(db):
    organization = scenes.provider()
    keys.register_signing_key(organization=organization, public_key=bytes(32), actor=SYSTEM, at=AT)
    jobs.claim(job="sweep", period_start=AT)
    return keys.issue(organization=organization, name="agent", scopes=["read"], actor=SYSTEM, at=AT)[0]


@pytest.mark.parametrize("name", ["user", "organization", "apikey", "signingkey", "auditentry", "jobrun"])
def test_a_register_is_read(officer, key, name):
    assert officer.get(reverse(f"admin:accounts_{name}_changelist")).status_code == 200


def test_a_key_is_shown_without_its_hash(officer, key):
    page = officer.get(reverse("admin:accounts_apikey_change", args=[key.pk])).content.decode()

    assert key.prefix in page
    assert key.secret_hash not in page


def test_a_key_is_revoked(officer, key):
    chosen = {"action": "revoke_selected", admin.helpers.ACTION_CHECKBOX_NAME: [str(key.pk)]}

    officer.post(reverse("admin:accounts_apikey_changelist"), chosen)

    assert ApiKey.objects.get().revoked_at is not None
    assert AuditEntry.objects.get(verb="api-key.revoked").actor.username == "officer"


def test_a_signing_key_is_revoked(officer, key):
    chosen = {"action": "revoke_selected", admin.helpers.ACTION_CHECKBOX_NAME: [str(SigningKey.objects.get().pk)]}

    officer.post(reverse("admin:accounts_signingkey_changelist"), chosen)

    assert SigningKey.objects.get().revoked_at is not None
    assert AuditEntry.objects.get(verb="signing-key.revoked").actor.username == "officer"


def organization(code):
    none = {f"{rows}-{of}_FORMS": 0 for rows in ("memberships", "memberships-2") for of in ("TOTAL", "INITIAL")}
    return {"kind": "buyer", "name": "Startup", "credit_code": code, "city": "深圳"} | none


def test_an_organization_is_set_up_with_a_code_that_checks(officer):
    address = reverse("admin:accounts_organization_add")

    refused = officer.post(address, organization("914403007084611361"))
    assert "not a valid unified social credit code" in refused.content.decode()
    officer.post(address, organization(CODE))

    made = Organization.objects.get()
    assert made.credit_code == CODE
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.object_id, entry.actor.username) == ("organization.added", str(made.pk), "officer")


def test_the_code_of_an_organization_stays(officer):
    officer.post(reverse("admin:accounts_organization_add"), organization(CODE))
    made = Organization.objects.get()

    changed = organization("91440300000000001X") | {"name": "Renamed"}
    officer.post(reverse("admin:accounts_organization_change", args=[made.pk]), changed)

    made.refresh_from_db()
    assert (made.name, made.credit_code) == ("Renamed", CODE)
    assert AuditEntry.objects.filter(verb="organization.changed").get().after == {"changed": ["name"]}


def test_rows_are_exported_as_text_that_no_spreadsheet_runs(officer, key):
    Organization.objects.update(name="=HYPERLINK(1)")
    chosen = {"action": "export_rows", admin.helpers.ACTION_CHECKBOX_NAME: [str(key.pk)]}

    answer = officer.post(reverse("admin:accounts_apikey_changelist"), chosen)

    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("prefix,name,organization")
    assert f"{key.prefix},agent,'=HYPERLINK(1)" in lines[1]


def test_a_lost_second_factor_is_removed_by_another_person(officer):
    lost = people.person("lost")
    verified.device_of(lost)
    everyone = [str(user.pk) for user in User.objects.all()]
    chosen = {"action": "remove_second_factor", admin.helpers.ACTION_CHECKBOX_NAME: everyone}

    answer = officer.post(reverse("admin:accounts_user_changelist"), chosen, follow=True)

    assert {str(message) for message in answer.context["messages"]} == {
        "officer: Another administrator removes your second factor.",
        "lost: Noted.",
    }
    assert Authenticator.objects.get().user.username == "officer"


def test_secrets_of_second_factors_are_no_register(officer):
    assert officer.get("/admin/otp_totp/totpdevice/").status_code == 404


def test_only_the_administration_relaxes_the_policy(officer):
    assert "unsafe-eval" in officer.get("/admin/")["Content-Security-Policy"]
    assert "unsafe" not in officer.get("/")["Content-Security-Policy"]


def test_a_seat_that_the_table_refuses_is_said_and_not_taken(officer):
    made = scenes.provider()
    address = reverse("admin:accounts_organization_change", args=[made.pk])
    row = {"memberships-2-0-user": User.objects.get(username="officer").pk, "memberships-2-0-role": "auditor"}
    sent = organization(made.credit_code) | {"memberships-2-TOTAL_FORMS": 1} | row

    answer = officer.post(address, sent)

    assert answer.context["adminform"].form.non_field_errors() == ["This role exists in authorities only."]
    assert not made.memberships.exists()

    officer.post(address, sent | {"memberships-2-0-role": "trader"})
    seat = made.memberships.get()
    shown = officer.get(address).content.decode()
    assert (seat.user.username, seat.role) == ("officer", "trader")
    assert "memberships-0-role" in shown
    assert "memberships-0-user" not in shown  # a seat stays that of its person
    kept = {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 1, "memberships-0-id": seat.pk}
    officer.post(address, sent | kept | {"memberships-2-TOTAL_FORMS": 0, "memberships-0-role": "viewer"})
    seat.refresh_from_db()
    assert seat.role == "viewer"


def test_who_loses_a_seat_loses_the_keys_that_they_made(officer):
    made = scenes.provider()
    seat = Membership.objects.create(organization=made, user=people.person("gone"), role="owner")
    by = Actor(user=seat.user, organization=made)
    _key, token = keys.issue(organization=made, name="bot", scopes=["read"], actor=by, at=AT)
    row = {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 1, "memberships-0-id": seat.pk}
    row |= {"memberships-0-role": "owner", "memberships-0-DELETE": "on"}

    officer.post(reverse("admin:accounts_organization_change", args=[made.pk]), organization(made.credit_code) | row)

    assert not made.memberships.exists()
    with pytest.raises(keys.BadKey):
        keys.authenticate(token=token, at=AT)


def test_people_and_organisations_are_deleted_by_nobody(officer, key):
    firm, person = Organization.objects.first(), people.person("leaver")

    for name, row in (("organization", firm), ("user", person)):
        assert officer.get(reverse(f"admin:accounts_{name}_delete", args=[row.pk])).status_code == 403
        chosen = {"action": "delete_selected", admin.helpers.ACTION_CHECKBOX_NAME: [str(row.pk)], "post": "yes"}
        officer.post(reverse(f"admin:accounts_{name}_changelist"), chosen)
        assert type(row).objects.filter(pk=row.pk).exists()
