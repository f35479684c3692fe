"""A new model is made without making others anew, and is related to them all the same."""

from django.db import models
from django.db.migrations.state import ModelState, ProjectState

from config import migrating


def model(name: str, **fields: models.Field) -> ModelState:
    return ModelState("market", name, [("id", models.BigAutoField(primary_key=True)), *fields.items()])


def to(name: str) -> models.ForeignKey:
    return models.ForeignKey(f"market.{name}", models.CASCADE)


def with_shelf_and_box() -> ProjectState:
    state = ProjectState()
    state.add_model(model("Shelf"))
    state.add_model(model("Box", shelf=to("Shelf")))
    return state


def test_a_new_model_leaves_the_others_as_they_are_and_is_found_from_them():
    state = with_shelf_and_box()
    shelf, box = state.apps.get_model("market.Shelf"), state.apps.get_model("market.Box")

    with migrating.new_models_alone():
        state.add_model(model("Book", box=to("Box")))

    book = state.apps.get_model("market.Book")
    assert (state.apps.get_model("market.Shelf"), state.apps.get_model("market.Box")) == (shelf, box)
    assert book._meta.get_field("box").related_model is box
    assert [related.related_model for related in box._meta.related_objects] == [book]


def test_outside_the_block_django_makes_all_that_can_be_reached_anew():
    state = with_shelf_and_box()
    shelf = state.apps.get_model("market.Shelf")

    state.add_model(model("Book", box=to("Box")))

    assert state.apps.get_model("market.Shelf") is not shelf
