"""Problem documents: the one shape of a refusal."""

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.db import OperationalError, connection
from django.http import Http404
from django.test import Client
from rest_framework import exceptions

from config import errors
from core.api import problems
from core.errors import Conflict, DomainError


class TooDear(DomainError):
    code = "too-dear"


def test_a_refusal_is_a_problem_document():
    answer = problems.handle(TooDear("No.", fields={"limit": "Higher."}, lowest=5), {})

    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert answer.data == {
        "type": "urn:suanyi:problem:too-dear",
        "title": "Unprocessable Entity",
        "status": 422,
        "code": "too-dear",
        "detail": "No.",
        "errors": [{"pointer": "/limit", "detail": "Higher."}],
        "lowest": 5,
    }


def test_a_refusal_without_fields_has_no_list_of_them():
    answer = problems.handle(Conflict("No."), {})

    assert answer.status_code == 409
    assert "errors" not in answer.data


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not-found"),
        (PermissionDenied(), 403, "permission-denied"),
        (exceptions.NotAuthenticated(), 401, "not-authenticated"),
        (exceptions.ParseError(), 400, "parse-error"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method-not-allowed"),
        (exceptions.UnsupportedMediaType("x/y"), 415, "unsupported-media-type"),
        (RequestDataTooBig(), 413, "too-large"),
    ],
)
def test_refusals_of_the_frameworks_are_problem_documents_too(error, status, code):
    answer = problems.handle(error, {})

    assert (answer.status_code, answer.data["code"], answer.data["status"]) == (status, code, status)


def test_every_wrong_field_is_pointed_at():
    error = exceptions.ValidationError(
        {"count": ["Too small."], "parties": [{"name": ["Missing."]}, {}], "tags": {1: ["No."]}}
    )

    answer = problems.handle(error, {})

    assert (answer.status_code, answer.data["code"]) == (400, "invalid")
    assert [(each["pointer"], each["detail"]) for each in answer.data["errors"]] == [
        ("/count", "Too small."),
        ("/parties/0/name", "Missing."),
        ("/tags/1", "No."),
    ]


def test_what_a_model_field_refuses_is_not_valid():
    answer = problems.handle(ValidationError("No."), {})

    assert (answer.status_code, answer.data["code"]) == (400, "invalid")
    assert answer.data["errors"] == [{"pointer": "", "code": "invalid", "detail": "No."}]


def test_whoever_must_wait_is_told_how_long():
    assert problems.handle(exceptions.Throttled(wait=1.2), {})["Retry-After"] == "2"


def test_whoever_must_say_who_they_are_is_told_how():
    error = exceptions.NotAuthenticated()
    error.auth_header = "Bearer"

    assert problems.handle(error, {})["WWW-Authenticate"] == "Bearer"


def test_a_bug_stays_a_bug():
    assert problems.handle(ZeroDivisionError(), {}) is None


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (problems.malformed, 400, "malformed"),
        (problems.page_not_found, 404, "not-found"),
        (problems.server_error, 500, "internal"),
        (problems.unavailable, 503, "unavailable"),
    ],
)
def test_answers_outside_views_have_the_same_shape(rf, answer, status, code):
    made = answer(rf.get("/"))

    assert (made.status_code, made["Content-Type"]) == (status, "application/problem+json")
    assert f'"code": "{code}"'.encode() in made.content


def test_an_unknown_address_of_the_api_is_a_problem_document(db):
    answer = Client().get("/api/v1/nowhere")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not-found"


def test_a_bug_below_the_api_says_nothing_about_itself(rf):
    answer = errors.server_error(rf.get("/api/v1/orders"))

    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/orders", "application/problem+json"), ("/orders/", "text/html")])
def test_who_meets_a_database_that_cannot_is_asked_to_try_again(db, rf, path, kind):
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1; SELECT pg_sleep(60)")
    except OperationalError:
        answer = errors.server_error(rf.get(path))

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer["Content-Type"].partition(";")[0] == kind
