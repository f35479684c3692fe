"""Migrate an empty database in a third of the time: only the model that an operation names is made anew.

While it migrates, Django keeps a class for every model as it was then. For each operation it makes the classes of all
models anew that can be reached over relations, here nearly all of 150, although new columns and constraints of one
model change none of the others: a relation finds the class at its other end by name. Where more may follow from a
change, because others refer to the field, and before Python of ours runs on the classes, all of them are made anew.
Only the databases of tests are made so: a city's database is migrated as Django does it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import field_is_referenced

from tests import tracing

_add_as_django_does = ProjectState.add_model
_alter_as_django_does = ProjectState.alter_field
_reload_as_django_does = ProjectState.reload_model


def _add_alone(state: ProjectState, model_state: ModelState) -> None:
    """Add a model to a state, and to its classes if they were made already."""
    classes = state.__dict__.pop("apps", None)
    _add_as_django_does(state, model_state)
    if classes is not None:
        state.__dict__["apps"] = classes
        classes.render_multiple([model_state])


def _reload_alone(state: ProjectState, app_label: str, model_name: str, delay: bool = False) -> None:
    """Make the class of one model anew, if it was made already."""
    if "apps" in state.__dict__:
        state.is_delayed = True  # so that ``RunPython`` makes all classes anew
        state._reload({(app_label, model_name)})


def _alter_alone(state: ProjectState, app_label: str, model_name: str, name: str, field: Any, *rest: Any) -> None:
    """Alter a field; whoever refers to it changes with it."""
    with pytest.MonkeyPatch.context() as patch:
        if field_is_referenced(state, (app_label, model_name), (name, field)):
            patch.setattr(ProjectState, "reload_model", _reload_as_django_does)
        _alter_as_django_does(state, app_label, model_name, name, field, *rest)


@contextmanager
def models_alone() -> Iterator[None]:
    """Let migrations that run in the block make models so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProjectState, "add_model", _add_alone)
        patch.setattr(ProjectState, "alter_field", _alter_alone)
        patch.setattr(ProjectState, "reload_model", _reload_alone)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Iterator[object]:
    """Migrate so, and trace no migration: they are not measured."""
    if fixturedef.argname != "django_db_setup":
        return (yield)
    with tracing.paused(), models_alone():
        return (yield)
