"""Migrate an empty database in a tenth of the time: only the model that an operation names is made anew.

While it migrates, Django keeps a class for every model as it was then. For each operation it makes the classes of all
models anew that can be reached over relations, here nearly all of 150, although new columns and constraints of one
model change none of the others: a relation finds the class at its other end by name. Where more may follow from a
change, because others refer to the field, and before Python of ours runs on the classes, all of them are made anew.
Only embedded databases are migrated so, of tests, of ``make demo`` and ``make up``: a city's is as Django does it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import field_is_referenced

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


def _reload_alone(state: Any, app_label: str, model_name: str, **_terms: Any) -> None:
    """Make the class of one model anew, if it was made already."""
    if "apps" in state.__dict__:
        state.is_delayed = True  # so that ``RunPython`` makes all classes anew
        state._reload({(app_label, model_name)})


def _alter_alone(state: ProjectState, app_label: str, model_name: str, name: str, field: Any, *rest: Any) -> None:
    """Alter a field; whoever refers to it changes with it."""
    is_known = field_is_referenced(state, (app_label, model_name), (name, field))
    with _replaced(reload_model=_reload_as_django_does) if is_known else nullcontext():
        _alter_as_django_does(state, app_label, model_name, name, field, *rest)


@contextmanager
def _replaced(**methods: Callable[..., None]) -> Iterator[None]:
    """Replace methods of states for the block."""
    before = {name: getattr(ProjectState, name) for name in methods}
    try:
        for name, method in methods.items():
            setattr(ProjectState, name, method)
        yield
    finally:
        for name, method in before.items():
            setattr(ProjectState, name, method)


@contextmanager
def models_alone() -> Iterator[None]:
    """Let migrations that run in the block make models so."""
    with _replaced(add_model=_add_alone, alter_field=_alter_alone, reload_model=_reload_alone):
        yield
