"""Inputs are strict."""

import pytest
from rest_framework import serializers

from core.api.serializers import InstantField, StrictSerializer


class Named(StrictSerializer):
    name = serializers.CharField()


def test_a_field_that_nobody_asked_for_is_an_error():
    form = Named(data={"name": "x", "price": 1, "admin": True})

    assert not form.is_valid()
    assert sorted(form.errors) == ["admin", "price"]


def test_what_is_asked_for_is_taken():
    form = Named(data={"name": "x"})

    assert form.is_valid()
    assert form.validated_data == {"name": "x"}


class Counted(StrictSerializer):
    count = serializers.IntegerField()


@pytest.mark.parametrize("said", ["1_000", "١٢٣", "１２３", "1 ", "+5", "1.0", "x", ""])
def test_what_only_a_programming_language_takes_for_a_number_is_refused(said):
    form, plain = Counted(data={"count": said}), Counted(data={"count": "-12"})

    assert not form.is_valid()
    assert list(form.errors) == ["count"]
    assert plain.is_valid()
    assert plain.validated_data == {"count": -12}


def test_what_is_no_object_is_refused():
    form = Named(data=[1])

    assert not form.is_valid()
    assert list(form.errors) == ["non_field_errors"]


@pytest.mark.parametrize("said", ["0001-01-01", "0001-01-01T00:00:00", "1999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_an_instant_of_another_time_is_refused_even_where_the_calendar_ends(said):
    with pytest.raises(serializers.ValidationError):
        InstantField().run_validation(said)
