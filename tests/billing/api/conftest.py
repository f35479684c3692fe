"""Clients with keys, at the instant of the scenes."""

import pytest
from rest_framework.test import APIClient

from accounts.services import keys
from accounts.services.audit import SYSTEM
from tests.billing.scenes import AT

SCOPES = ["read", "orders", "offerings", "usage", "payments", "programmes"]


@pytest.fixture(autouse=True)
def rehearsal(set_clock):
    """Let the interfaces live at the instant of the scenes."""
    set_clock(AT)


@pytest.fixture
def client_of(db):
    def client(organization, scopes=SCOPES) -> APIClient:
        _key, token = keys.issue(organization=organization, name="test", scopes=scopes, actor=SYSTEM, at=AT)
        made = APIClient()
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_ACCEPT_LANGUAGE="en")
        return made

    return client


@pytest.fixture
def api(client_of, buyer):
    return client_of(buyer)
