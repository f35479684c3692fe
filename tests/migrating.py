"""Migrate an empty database in half the time: a new model is made alone.

While it migrates, Django keeps a class for every model as it was then. For each new model it makes the classes of all
models anew that can be reached over relations, here nearly all of 150, although a model that has just come into being
changes none of the others: whoever points to it does so by a later operation, which Django makes anew itself. Only the
databases of tests are made so: a city's database is migrated as Django does it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.migrations.state import ModelState, ProjectState

_as_django_does = ProjectState.add_model


def _add_alone(state: ProjectState, model_state: ModelState) -> None:
    """Add a model to a state, and to its classes if they were made already."""
    classes = state.__dict__.pop("apps", None)
    _as_django_does(state, model_state)
    if classes is not None:
        state.__dict__["apps"] = classes
        classes.render_multiple([model_state])


@contextmanager
def new_models_alone() -> Iterator[None]:
    """Let migrations that run in the block make new models so."""
    ProjectState.add_model = _add_alone  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        ProjectState.add_model = _as_django_does  # type: ignore[method-assign]
