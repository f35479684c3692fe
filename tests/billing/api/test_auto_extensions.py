"""Standing instructions over the API."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services.audit import Actor
from billing.services import auto_extensions
from billing.services.auto_extensions import Instruction
from tests.billing import scenes
from tests.billing.scenes import AT, HOUR


def test_the_instructions_of_a_reservation_are_told_in_as_many_queries_as_one_of_them(api, buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    until = reservation.ends_at + HOUR
    terms = Instruction(budget_fen=1_000, limit_micro=2_000_000, until=until, step_hours=1)
    address, actor = f"/api/v1/reservations/{reservation.pk}/auto-extension", Actor(organization=buyer)
    taken = []
    assert api.get(address).json() == []
    for _number in range(3):
        auto_extensions.instruct(reservation=reservation, instruction=terms, actor=actor, at=AT)
        with CaptureQueriesContext(connection) as queries:
            told = api.get(address).json()
        taken.append(len(queries))
        auto_extensions.revoke(reservation=reservation, actor=actor, at=AT)

    assert [(one["status"], one["steps"]) for one in told] == [("active", 0), ("cancelled", 0), ("cancelled", 0)]
    assert taken == [taken[0]] * 3
