"""Registers are read, never written."""

from django.contrib import admin
from django.test import RequestFactory

from accounts.models import AuditEntry, User
from core.admin import ReadOnlyAdmin


def test_even_a_superuser_only_reads_a_register(db):
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True)
    register = ReadOnlyAdmin(AuditEntry, admin.site)

    assert register.has_view_permission(request)
    assert not register.has_add_permission(request)
    assert not register.has_change_permission(request)
    assert not register.has_delete_permission(request)
