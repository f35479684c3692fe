"""Filters that a person keeps under a name: where that is refused, the name and the filters are still there."""

import pytest
from django.urls import reverse

from accounts.models import SavedView
from portal.desk import saved
from tests.portal.conftest import SignIn
from tests.portal.world import World

NOT_KEPT = f"最多保存 {saved.MOST} 个"


@pytest.mark.parametrize("page", sorted(saved.PAGES))
def test_the_name_of_a_filter_that_is_not_kept_stays_in_its_form(world: World, sign_in: SignIn, page: str) -> None:
    SavedView.objects.bulk_create(
        SavedView(user=world.people["officer2"], page=page, name=f"筛选 {number}", query="")
        for number in range(saved.MOST)
    )
    officer, keep = sign_in("officer2"), reverse("portal:saved-view", args=[page])

    answer = officer.post(keep, {"name": "<我的>", "query": "q=成都&page=1"})

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert 'required value="&lt;我的&gt;"' in shown
    assert '<details class="inline" open>' in shown
    assert NOT_KEPT in shown
    assert SavedView.objects.count() == saved.MOST


def test_a_filter_without_a_name_is_not_kept_and_its_form_stays_open(world: World, sign_in: SignIn) -> None:
    officer, keep = sign_in("officer2"), reverse("portal:saved-view", args=["claims"])

    shown = officer.post(keep, {"name": " \x00 ", "query": "state=operator"}).content.decode()

    assert '<option value="operator" selected>' in shown
    assert '<details class="inline" open>' in shown
    assert not SavedView.objects.exists()
    assert '<details class="inline">' in officer.get(reverse("portal:claims-desk")).content.decode()


def test_one_of_as_many_filters_as_are_kept_is_changed(world: World, sign_in: SignIn) -> None:
    SavedView.objects.bulk_create(
        SavedView(user=world.people["officer2"], page="claims", name=f"{number}", query="")
        for number in range(saved.MOST)
    )

    sign_in("officer2").post(reverse("portal:saved-view", args=["claims"]), {"name": "7", "query": "state=finance"})

    assert SavedView.objects.get(name="7").query == "state=finance"
