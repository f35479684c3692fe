"""Pages: a signed cursor, and rows that stay put while others are added."""

import pytest
from django.core import signing
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.test import APIRequestFactory

from core.api import pagination
from core.api.pagination import KeysetPagination
from market.models import Accelerator, Usage
from tests.market import scenes

VENDORS = ["A", "B", "C"]


class CodeOut(serializers.ModelSerializer):
    class Meta:
        model = Accelerator
        fields = ["code"]


class Cards(ListAPIView):
    queryset = Accelerator.objects.all()
    serializer_class = CodeOut
    pagination_class = KeysetPagination
    authentication_classes = []
    permission_classes = []
    filter_backends = []
    ordering = ("-vendor", "pk")


class Others(Cards):
    ordering = ("pk",)


class Usages(Others):
    queryset = Usage.objects.all()


def page(view=Cards, **query):
    return view.as_view()(APIRequestFactory().get("/", query))


def card(vendor):
    made = scenes.accelerator()
    Accelerator.objects.filter(pk=made.pk).update(vendor=vendor)
    return made.code


def test_a_page_says_whether_there_is_more(db):
    codes = [card("A") for _ in range(3)]

    first = page(limit=2)
    second = page(limit=2, cursor=first.data["next_cursor"])

    assert [row["code"] for row in first.data["data"]] == codes[:2]
    assert first.data["has_more"] is True
    assert [row["code"] for row in second.data["data"]] == codes[2:]
    assert (second.data["has_more"], second.data["next_cursor"]) == (False, None)


def test_a_last_page_that_is_full_has_no_more(db):
    card("A"), card("A")

    assert page(limit=2).data["has_more"] is False


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.lists(st.sampled_from(VENDORS), max_size=12),
    meanwhile=st.lists(st.sampled_from(VENDORS), max_size=6),
    limit=st.integers(min_value=1, max_value=5),
)
def test_every_row_is_seen_once_while_others_are_added(db, first, meanwhile, limit):
    with transaction.atomic():
        there = [card(vendor) for vendor in first]
        added, seen, query = list(meanwhile), [], {}
        while True:
            answer = page(limit=limit, **query)
            seen += [row["code"] for row in answer.data["data"]]
            if not answer.data["has_more"]:
                break
            query = {"cursor": answer.data["next_cursor"]}
            if added:
                card(added.pop())
        transaction.set_rollback(True)

    assert len(seen) == len(set(seen))
    assert set(there) <= set(seen)


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "", "1.5", "٣", "9999"])
def test_a_limit_that_is_no_page_size_is_refused(db, limit):
    answer = page(limit=limit)

    assert (answer.status_code, answer.data["code"]) == (400, "bad-limit")


@pytest.mark.parametrize(
    "cursor",
    ["x", "x:y:z", "\x00", signing.dumps([["-vendor", "pk"], ["A", "x"]], salt="another")],
    ids=range(4),  # a signature's time must not name a test: every process would have names of its own
)
def test_a_cursor_that_is_not_ours_is_refused(db, cursor):
    answer = page(cursor=cursor)

    assert (answer.status_code, answer.data["code"]) == (400, "bad-cursor")


def test_a_cursor_of_another_list_is_refused(db):
    card("A"), card("A")
    cursor = page(limit=1).data["next_cursor"]

    answer = page(Others, cursor=cursor)

    assert (answer.status_code, answer.data["code"]) == (400, "bad-cursor")


def test_a_cursor_of_other_rows_in_the_same_order_is_refused(db):
    card("A"), card("A")
    cursor = page(Others, limit=1).data["next_cursor"]

    answer = page(Usages, cursor=cursor)

    assert (answer.status_code, answer.data["code"]) == (400, "bad-cursor")


def test_an_altered_cursor_is_refused(db):
    card("A"), card("A")
    cursor = page(limit=1).data["next_cursor"]

    answer = page(cursor=cursor[:-1] + ("a" if cursor[-1] != "a" else "b"))

    assert (answer.status_code, answer.data["code"]) == (400, "bad-cursor")


def test_the_schema_describes_a_page():
    described = KeysetPagination().get_paginated_response_schema({"type": "array"})

    assert described["required"] == ["data", "next_cursor", "has_more"]
    assert [each["name"] for each in KeysetPagination().get_schema_operation_parameters(None)] == ["limit", "cursor"]
    assert pagination.after(["5"], ("pk",)).children
