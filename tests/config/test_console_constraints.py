"""Whatever a form of the console can violate is refused in words, in either language: never by a constraint's name."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import Membership, Organization, Relation, Role, Shareholding, Trait, User
from accounts.services.audit import SYSTEM
from market.models import AuctionProposal, Tariff
from market.services import auction_rules, prices
from tests import verified
from tests.portal import world as worlds
from tests.portal.conftest import _still_clock  # noqa: F401 - a fixture
from tests.portal.conftest import world as world  # noqa: PLC0414 - a fixture
from tests.portal.world import NOW, World
from vouchers.models import Grant, Programme, ProviderListing, Round, Witness
from vouchers.notes import COSIGNATURE, Key
from vouchers.services.applications import rounds

NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
CHINESE = re.compile("[\\u4e00-\\u9fff]")
Sent = dict[str, Any]

# What forms cannot say: services say it, or a choice offers nothing else.
BY_SERVICES = {
    Organization: {"organization_kind_known", "organization_size_known"},
    Membership: {"membership_role_known"},
    Relation: {"relation_first_key_is_smaller", "relation_ground_known"},
    Shareholding: {"shareholding_ends_after_start"},
    Trait: {"trait_kind_known", "trait_ends_after_start"},
    AuctionProposal: {"auction_proposal_maker_is_not_checker", "auction_proposal_decided"},
    Tariff: set(),
    Programme: {
        "programme_maker_is_not_checker",
        "programme_published_by_someone",
        "programme_status_known",
        "programme_mode_known",
    },
    Grant: {
        "grant_maker_is_not_checker",
        "grant_approved_before_use",
        "grant_status_known",
        "grant_days_before_first_use",
    },
    Witness: set(),
    Round: {
        "round_maker_is_not_checker",
        "round_opened_by_someone",
        "round_status_known",
        "round_method_known",
        "round_within_budget",
    },
    ProviderListing: {
        "provider_listing_maker_is_not_checker",
        "provider_listing_decided_by_someone",
        "provider_listing_refused_with_a_reason",
        "provider_listing_status_known",
    },
}
OF_DJANGO = {"auth.group", "accounts.user", "axes.accessattempt", "axes.accesslog", "axes.accessfailurelog"}


@pytest.fixture
def root(world: World) -> Client:
    user = worlds.person(world, "root", world.operator, Role.OWNER)
    user.is_staff = user.is_superuser = True
    user.save()
    return verified.client_of(user)


def organization(world: World) -> tuple[Sent, dict[str, Sent]]:
    none = {f"memberships-{of}_FORMS": 0 for of in ("TOTAL", "INITIAL")}
    sound = {"kind": "buyer", "name": "新企业", "credit_code": "91440300708461136T"} | none
    return sound, {"organization_credit_code_shape": {"credit_code": "91440300708461136I"}}


def seat(world: World) -> tuple[Sent, dict[str, Sent]]:
    named = {"user": world.people["trader"].pk, "role": "viewer"}
    sound = {f"memberships-2-0-{name}": value for name, value in named.items()}
    sound |= {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0} | {
        "memberships-2-TOTAL_FORMS": 1,
        "memberships-2-INITIAL_FORMS": 0,
        "name": "主管部门",
        "city": "成都",
    }
    return sound, {
        "membership_once": {"memberships-2-0-user": world.people["officer1"].pk},
        "membership_district_of_district_reviewers": {"memberships-2-0-role": "district"},
    }


def relation(world: World) -> tuple[Sent, dict[str, Sent]]:
    pair = {"first": world.provider.pk, "second": world.buyer.pk}
    sound = {"first": world.operator.pk, "second": world.buyer.pk, "ground": "representative", "source": "年报"}
    first, second = sorted((world.provider, world.buyer), key=lambda one: one.pk)
    told = {"ground": "representative", "source": "年报", "declared_at": NOW}
    Relation.objects.create(first=first, second=second, **told)
    return sound, {"relation_once_per_ground": pair}


def shareholding(_world: World) -> tuple[Sent, dict[str, Sent]]:
    known = {"holder_code": "91440300MA5DA1A11A", "held_code": "91440300MA5DA1B22B"}
    day = {"share_bp": 100, "valid_from": date(2026, 1, 1), "source": "年报", "recorded_at": NOW}
    Shareholding.objects.create(**known, holder_name="甲", held_name="乙", **day)
    sound = known | {"holder_code": "91440300MA5DA1C33C", "holder_name": "丙", "held_name": "乙"}
    sound |= {"share_bp": "100", "valid_from": "2026-01-01", "source": "年报"}
    return sound, {
        "shareholding_open_once": known,
        "shareholding_of_another": {"holder_code": known["held_code"]},
        "shareholding_share_in_range": {"share_bp": "10001"},
    }


def trait(world: World) -> tuple[Sent, dict[str, Sent]]:
    known = {"kind": "phone", "value": "13800138000"}
    day = {"valid_from": date(2026, 1, 1), "source": "年报"}
    Trait.objects.create(organization=world.buyer, **known, **day, recorded_at=NOW)
    sound = known | day | {"organization": world.buyer.pk, "value": "13800138001"}
    return sound, {"trait_open_once": known, "trait_has_a_value": {"value": "---"}}


def proposal(world: World) -> tuple[Sent, dict[str, Sent]]:
    taken = {"starts_at_0": "2026-11-01", "starts_at_1": "00:00:00"}
    shares = {"reserve_bp": 1_000, "ageing_bp": 100, "k_bp": 0, "grounds": "试行"}
    starts_at = NOW.replace(month=10, day=31, hour=16)
    actor = world.actor("operator1", world.operator)
    auction_rules.propose(starts_at=starts_at.replace(minute=0), actor=actor, at=NOW, **shares)
    sound = shares | {"starts_at_0": "2026-11-02", "starts_at_1": "00:00:00"}
    return sound, {
        "auction_proposal_once_at_a_time": taken,
        "auction_proposal_reserve_half": {"reserve_bp": "5001"},
        "auction_proposal_ageing_a_share": {"ageing_bp": "10001"},
        "auction_proposal_k_a_share": {"k_bp": "10001"},
        "auction_proposal_has_grounds": {"grounds": " "},
        "auction_proposal_to_come": {"starts_at_0": "2026-01-01"},
    }


def tariff(_world: World) -> tuple[Sent, dict[str, Sent]]:
    known = {"code": "SC-2026", "starts_at": NOW, "hourly_micro": [1] * 24, "source": "川发改价格"}
    prices.publish_tariff(**known, actor=SYSTEM, at=NOW)
    sound = {"code": "SC-2027", "source": "川发改价格", "hourly_micro": ",".join("1" * 24)}
    sound |= {"starts_at_0": "2026-10-20", "starts_at_1": "10:00:00"}
    return sound, {"tariff_once_per_start": {"code": "SC-2026"}, "tariff_has_24_hours": {"hourly_micro": "1,2"}}


def programme(world: World) -> tuple[Sent, dict[str, Sent]]:
    sound = {
        "authority": world.authority.pk,
        "code": "QY",
        "name": "青羊",
        "mode": "INSTANT_DEDUCT",
        "budget_fen": "100",
        "ratio_bp": "3000",
        "entity_year_cap_fen": "50",
        "min_award_fen": "0",
        "min_grant_fen": "0",
        "round_unit_fen": "1",
        "validity_days": "30",
        "grace_days": "7",
        "eligible_categories": "GPU_TRAIN",
        "opens_on": "2026-01-01",
        "closes_on": "2027-01-01",
    }
    return sound, {
        "programme_code_once": {"code": world.programme.code},
        "programme_budget_positive": {"budget_fen": "0"},
        "programme_ratio_in_range": {"ratio_bp": "10001"},
        "programme_year_cap_positive": {"entity_year_cap_fen": "0"},
        "programme_order_cap_positive": {"order_cap_fen": "-1"},
        "programme_min_award_not_negative": {"min_award_fen": "-1"},
        "programme_min_grant_not_negative": {"min_grant_fen": "-1"},
        "programme_round_unit_positive": {"round_unit_fen": "0"},
        "programme_validity_positive": {"validity_days": "0"},
        "programme_closes_after_opening": {"closes_on": "2026-01-01"},
        "programme_has_eligible_categories": {"eligible_categories": ""},
    }


def grant(world: World) -> tuple[Sent, dict[str, Sent]]:
    sound = {"programme": world.programme.pk, "owner": world.buyer.pk, "face_fen": "100"}
    return sound, {"grant_face_positive": {"face_fen": "0"}}


def witness(_world: World) -> tuple[Sent, dict[str, Sent]]:
    key = str(Key("witness.example", COSIGNATURE, bytes(32)))
    Witness.objects.create(name="见证", public_key=key)
    sound = {"name": "另一见证", "public_key": key}
    return sound, {"witness_name_once": {"name": "见证"}}


def procedure(world: World) -> tuple[Sent, dict[str, Sent]]:
    window = {"opens_at": NOW, "closes_at": NOW.replace(day=30), "method": "first_come"}
    actor = world.actor("officer1", world.authority)
    rounds.draft(programme=world.programme, name="一", actor=actor, at=NOW, **window)
    days = dict.fromkeys(("review_days", "supplement_days", "publicity_days", "appeal_days"), "5")
    sound = {"programme": world.programme.pk, "name": "二", "method": "first_come", "reviewers": "1"}
    sound |= days | {"panel_size": "0", "required_evidence": "contract"}
    sound |= {"opens_at_0": "2026-12-01", "opens_at_1": "00:00", "closes_at_0": "2026-12-20", "closes_at_1": "00:00"}
    return sound, {
        "round_name_once": {"name": "一"},
        "round_windows_do_not_overlap": {"opens_at_0": "2026-10-21"},
        "round_window_not_empty": {"closes_at_0": "2026-12-01"},
        "round_budget_positive": {"budget_fen": "0"},
        "round_largest_award_positive": {"most_fen": "0"},
        "round_at_most_two_reviewers": {"reviewers": "3"},
        "round_panel_not_too_large": {"panel_size": "16"},
        "round_ranks_by_scores": {"method": "ranked"},
        "round_lottery_commits_to_its_seed": {"method": "lottery"},
    }


def listing(world: World) -> tuple[Sent, dict[str, Sent]]:
    days = {"valid_from": "2026-10-01", "valid_until": "2026-10-31"}
    known = {"programme": world.programme, "provider": world.provider, "applied_by": world.people["officer1"]}
    ProviderListing.objects.create(**known, **days, status="applied", applied_at=NOW, batch="1")
    sound = {"programme": world.programme.pk, "provider": world.provider.pk, "batch": "2026-1"}
    sound |= {"valid_from": "2026-11-01", "valid_until": "2026-11-30"}
    return sound, {
        "provider_listed_once_at_a_time": days,
        "provider_listing_days_in_order": {"valid_until": "2026-11-01"},
    }


Form = Callable[[World], tuple[Sent, dict[str, Sent]]]
FORMS: dict[type[Model], Form] = {
    Organization: organization,
    Membership: seat,
    Relation: relation,
    Shareholding: shareholding,
    Trait: trait,
    AuctionProposal: proposal,
    Tariff: tariff,
    Programme: programme,
    Grant: grant,
    Witness: witness,
    Round: procedure,
    ProviderListing: listing,
}


def address(world: World, model: type[Model]) -> str:
    if model is Membership:
        return reverse("admin:accounts_organization_change", args=[world.authority.pk])
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


def complaints(page: Any) -> Iterator[str]:
    """Return what a page that is shown again says is wrong."""
    for group in page.context["errors"]:
        yield from [group] if isinstance(group, str) else map(str, group)


@pytest.mark.parametrize("model", FORMS, ids=lambda model: model.__name__)
def test_what_a_constraint_refuses_is_said_in_words(world: World, root: Client, model: type[Model]) -> None:
    sound, wrong = FORMS[model](world)
    before = model._default_manager.count()

    for name, changes in wrong.items():
        for language in ("zh-hans", "en"):
            page = root.post(address(world, model), sound | changes, headers={"accept-language": language})
            assert page.status_code == 200, (name, page.headers.get("Location"))
            said = list(complaints(page))
            assert said, name
            for text in said:
                assert (name, NAME.findall(text)) == (name, [])
                assert (name, text, bool(CHINESE.search(text))) == (name, text, language == "zh-hans")

    assert model._default_manager.count() == before
    answer = root.post(address(world, model), sound)
    assert answer.status_code == 302, list(complaints(answer))
    assert model._default_manager.count() == before + 1
    assert {one.name for one in model._meta.constraints} == set(wrong) | BY_SERVICES[model]


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31"])
@pytest.mark.parametrize("model", [Round, Programme, ProviderListing, AuctionProposal, Tariff, Trait])
def test_no_form_takes_a_day_that_no_register_could_show(
    world: World, root: Client, model: type[Model], day: str
) -> None:
    sound, _wrong = FORMS[model](world)
    days = [name for name in sound if re.search("_on$|_at_0$|valid_from$|valid_until$", name)]

    page = root.post(address(world, model), sound | dict.fromkeys(days, day))

    assert list(complaints(page)).count("年份应在 1900 至 2199 之间。") == len(days)
    assert root.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")).status_code == 200


@pytest.mark.parametrize("model", [one for one in FORMS if one is not Membership])
def test_a_form_begins_empty_whatever_stands_in_its_address(world: World, root: Client, model: type[Model]) -> None:
    for filled in ("\x00", "x", "9" * 40):
        asked = {field.name: filled for field in (*model._meta.fields, *model._meta.many_to_many)}
        assert root.get(address(world, model), asked).status_code == 200


def test_every_form_of_the_console_is_among_them() -> None:
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True)
    written = set()
    for model, register in admin.site._registry.items():
        if register.has_add_permission(request) or register.has_change_permission(request):
            inlines = [inline.model for inline in register.inlines]
            written |= {one._meta.label_lower for one in (model, *inlines)}

    assert written == {model._meta.label_lower for model in FORMS} | OF_DJANGO
