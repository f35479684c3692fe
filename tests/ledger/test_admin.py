"""The registers: readable, never writable."""

import pytest
from django.urls import reverse

from ledger.models import Account, Balance, Hold, Transfer
from ledger.services import posting
from tests.ledger.scenes import AT, everything, move


@pytest.fixture
def rows(wallet, sink):
    hold = posting.hold(key="order", account=wallet, amount_fen=300)
    transfer = posting.capture(hold=hold, key="part", kind="fee", legs=move(wallet, sink, 123), at=AT)
    return {Account: wallet, Balance: Balance.objects.get(), Hold: hold, Transfer: transfer}


@pytest.mark.parametrize("model", [Account, Balance, Hold, Transfer])
def test_a_register_is_read_and_not_written(admin_client, rows, model):
    name = f"admin:ledger_{model._meta.model_name}"
    row = reverse(f"{name}_change", args=[rows[model].pk])
    before = everything()

    assert admin_client.get(reverse(f"{name}_changelist")).status_code == 200
    assert admin_client.get(row).status_code == 200
    assert admin_client.get(reverse(f"{name}_add")).status_code == 403
    assert admin_client.post(row, {}).status_code == 403
    assert admin_client.post(reverse(f"{name}_delete", args=[rows[model].pk]), {"post": "yes"}).status_code == 403

    assert everything() == before


def test_an_account_shows_its_movements_on_two_sides(admin_client, rows):
    page = admin_client.get(reverse("admin:ledger_account_change", args=[rows[Account].pk])).content.decode()

    assert "<tr><td>part</td><td>1.23</td><td></td></tr>" in page
    assert "<tr><td>top-up/wallet</td><td></td><td>10.00</td></tr>" in page
    assert "8.77" in page


def test_a_transfer_shows_its_postings(admin_client, rows):
    page = admin_client.get(reverse("admin:ledger_transfer_change", args=[rows[Transfer].pk])).content.decode()

    assert "<tr><td>wallet</td><td>1.23</td><td></td></tr>" in page
    assert "<tr><td>sink</td><td></td><td>1.23</td></tr>" in page
