"""Named constraints become the errors that they stand for."""

import pytest
from django.db import IntegrityError

from core.constraints import constraint_name, refusing
from core.errors import Conflict
from market.models import Accelerator
from tests.market import scenes


def test_a_named_constraint_becomes_its_error_and_the_transaction_goes_on(db):
    scenes.accelerator("card")

    with pytest.raises(Conflict, match="taken") as refusal, refusing(market_accelerator_code_key=Conflict("taken")):
        scenes.accelerator("card")

    assert isinstance(refusal.value.__cause__, IntegrityError)
    assert Accelerator.objects.count() == 1


def test_another_constraint_stays_what_it_is(db):
    scenes.accelerator("card")

    with pytest.raises(IntegrityError), refusing(something_else=Conflict("taken")):
        scenes.accelerator("card")

    assert Accelerator.objects.count() == 1


def test_an_error_of_no_constraint_has_no_name():
    assert constraint_name(IntegrityError()) == ""
