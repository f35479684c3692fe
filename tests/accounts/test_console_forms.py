"""The console's forms say in words what a service refuses, and fail at nothing that is sent."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Relation, Shareholding, Trait, User
from tests.market import scenes

HOLDER = {"holder_code": "91440300MA5DA1A11A", "holder_name": "甲", "held_name": "乙", "valid_from": "2026-01-01"}


@pytest.fixture
def desk(db: None) -> Client:
    operator = User.objects.create_user("operator", is_staff=True)
    operator.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    client = Client(headers={"accept-language": "en"})
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("sent", ["zz", "-1", "1" * 31, "\x00", "½", "0198f000-0000-7000-8000-000000000000"])
def test_an_organisation_that_is_no_key_is_refused_where_it_is_looked_up(desk: Client, sent: str) -> None:
    firm = scenes.buyer()
    relation = {"first": sent, "second": firm.pk, "ground": "representative", "source": "工商档案"}
    trait = {
        "organization": sent,
        "kind": "phone",
        "value": "13800138000",
        "valid_from": "2026-01-01",
        "source": "年报",
    }
    seat = {"name": firm.name, "members-TOTAL_FORMS": "1", "members-INITIAL_FORMS": "0", "members-0-user": sent}

    related = desk.post("/admin/accounts/relation/add/", relation)
    told = desk.post("/admin/accounts/trait/add/", trait)
    seated = desk.post(f"/admin/accounts/organization/{firm.pk}/change/", seat)

    assert "first" in related.context["adminform"].form.errors
    assert 'value="工商档案"' in related.content.decode()
    assert "organization" in told.context["adminform"].form.errors
    assert (related.status_code, told.status_code, seated.status_code) == (200, 200, 200)
    assert (Relation.objects.count(), Trait.objects.count()) == (0, 0)


def test_a_firm_related_to_itself_is_refused_in_words(desk: Client) -> None:
    firm = scenes.buyer()
    pair = {"first": firm.pk, "second": firm.pk, "ground": "representative", "source": "R"}

    page = desk.post("/admin/accounts/relation/add/", pair).content.decode()

    assert "Choose two organisations." in page
    assert "relation_first_key_is_smaller" not in page


@pytest.mark.parametrize("wrong", [{"held_code": "91440300MA5DA1A11A"}, {"share_bp": "10001"}, {"share_bp": "0"}])
def test_a_shareholding_that_cannot_be_is_refused_in_words(desk: Client, wrong: dict[str, str]) -> None:
    sent = HOLDER | {"held_code": "91440300MA5DA1B22B", "share_bp": "100", "source": "公示系统"} | wrong

    page = desk.post("/admin/accounts/shareholding/add/", sent).content.decode()

    assert "Name two companies and a share of 1 to 10,000 basis points; a branch is held whole." in page
    assert "shareholding_" not in page.replace("accounts_shareholding", "").replace("shareholding_form", "")
    assert 'value="公示系统"' in page
    assert not Shareholding.objects.exists()


@pytest.mark.parametrize("asked", ["kind__exact=%00", "kind__in=buyer,%00", "size__gte=a%00"])
def test_a_filter_by_what_no_text_can_hold_is_refused(desk: Client, asked: str) -> None:
    assert desk.get(f"/admin/accounts/organization/?{asked}").status_code == 400
    assert desk.get("/admin/accounts/organization/?q=%00").status_code == 200


@pytest.mark.parametrize("page", ["jobrun/%00/change/", "jobrun/%00/history/", "jobrun/%00/delete/", "jobrun/%00/"])
def test_a_row_whose_key_no_text_can_hold_is_not_there(desk: Client, page: str) -> None:
    assert desk.get(f"/admin/accounts/{page}").status_code in (302, 403)


@pytest.mark.parametrize("asked", ["id__regex=(", "name__iregex=(a%2B)%2B", "kind__exact__regex=x"])
def test_no_register_is_filtered_by_a_pattern(desk: Client, asked: str) -> None:
    assert desk.get(f"/admin/accounts/organization/?{asked}").status_code == 400


def test_no_register_is_filtered_by_what_it_does_not_show(desk: Client) -> None:
    assert desk.get("/admin/accounts/apikey/?secret_hash__startswith=0").status_code == 400


@pytest.mark.parametrize("term", ["%00", "a%00b", "%FF", "理" * 300])
def test_a_choice_is_looked_up_by_whatever_is_typed(desk: Client, term: str) -> None:
    asked = "app_label=accounts&model_name=relation&field_name=first"

    answer = desk.get(f"/admin/autocomplete/?{asked}&term={term}")

    assert (answer.status_code, answer.json()["results"]) == (200, [])


@pytest.mark.parametrize("wrong", ["page=0", "page=-1", "page=abc", "page=99999999999999999999"])
def test_a_page_of_choices_that_is_not_there_is_not_found(desk: Client, wrong: str) -> None:
    asked = "app_label=accounts&model_name=relation&field_name=first&term="

    assert desk.get(f"/admin/autocomplete/?{asked}&{wrong}").status_code == 404
