"""Recipes by name: the only place that brings a field, an objective and an optimisation together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from tweenfield.errors import UsageError
from tweenfield.fields import PatchesConfig, SirenConfig, TransportConfig
from tweenfield.fit import FitConfig, Recipe
from tweenfield.leave_out import LeaveOut
from tweenfield.objectives import FlowConstraint

# Where the paper's time axis is given no scale, ours is its 20 observed frames spread over [-1, 1].
_PAPER_TIME_STEP = 2 / 19
# The same however long the fit is.
_PATCHES_CONSTRAINT = FlowConstraint(weight=0.06, huber=0.03, points=8, between=0.5, warped=1.0)


def draft(field: str = "transport") -> Recipe:
    """A first look: seconds with ``transport``; about a minute with ``siren`` for 21 frames of 120x180, a
    minute or two with ``patches`` for 21 frames of 240x360.

    Raises:
        UsageError: there is no such field.
    """
    transport = Recipe(
        name="draft",
        field=TransportConfig(width=12),
        objective=LeaveOut(hidden=6, crops=4, side=64),
        fit=FitConfig(steps=60, learning_rate=4e-3),
    )
    recipes = {
        "transport": transport,
        "patches": Recipe(
            name="draft",
            field=PatchesConfig(),
            objective=_PATCHES_CONSTRAINT,
            fit=FitConfig(epochs=8, learning_rate=1e-3),
            teacher=transport,
        ),
        "siren": Recipe(
            name="draft",
            field=SirenConfig(width=160, depth=4, extent=2.0),
            objective=FlowConstraint(points=2048),
            fit=FitConfig(steps=3000, learning_rate=5e-4),
        ),
    }
    return _of_field(recipes, field)


def standard(field: str = "transport") -> Recipe:
    """More of everything: well under a minute with ``transport``; ten times ``draft`` with ``siren``, five
    times with ``patches``, whose fit takes longer the longer the video is.

    Raises:
        UsageError: there is no such field.
    """
    transport = Recipe(
        name="standard",
        field=TransportConfig(),
        objective=LeaveOut(),
        fit=FitConfig(steps=600, learning_rate=2e-3),
    )
    recipes = {
        "transport": transport,
        "patches": Recipe(
            name="standard",
            field=PatchesConfig(),
            objective=_PATCHES_CONSTRAINT,
            fit=FitConfig(epochs=40, learning_rate=1e-3),
            teacher=transport,
        ),
        "siren": Recipe(
            name="standard",
            field=SirenConfig(width=256, depth=5, extent=2.0),
            objective=FlowConstraint(points=4096),
            fit=FitConfig(steps=4500, learning_rate=3e-4),
        ),
    }
    return _of_field(recipes, field)


def paper(field: str = "siren") -> Recipe:
    """The settings of the paper's results table (arXiv 2206.10886).

    Depth 6, width 720, omega 25, Adam with cosine decay from 3.6e-5, 15000 epochs, lambda 0.12. The paper
    doesn't give batch size or coordinate scale; ours are 65536 points and its 20 frames over [-1, 1].
    """
    recipe = Recipe(
        name="paper",
        field=SirenConfig(width=720, depth=6, omega=25.0, time_step=_PAPER_TIME_STEP),
        objective=FlowConstraint(weight=0.12, points=65536),
        fit=FitConfig(epochs=15000, learning_rate=3.6e-5),
    )
    return _of_field({"siren": recipe}, field)


def paper_experiments(field: str = "siren") -> Recipe:
    """The settings of the paper's experiments (arXiv 2206.10886).

    Depth 9, width 512, omega 30, Adam with cosine decay from 1e-5, 5000 epochs, lambda 0.12; what the
    paper doesn't give is as in ``paper``.
    """
    recipe = Recipe(
        name="paper-experiments",
        field=SirenConfig(width=512, depth=9, omega=30.0, time_step=_PAPER_TIME_STEP),
        objective=FlowConstraint(weight=0.12, points=65536),
        fit=FitConfig(epochs=5000, learning_rate=1e-5),
    )
    return _of_field({"siren": recipe}, field)


PRESETS: dict[str, Callable[..., Recipe]] = {
    "draft": draft,
    "standard": standard,
    "paper": paper,
    "paper-experiments": paper_experiments,
}


def _of_field(recipes: dict[str, Recipe], field: str) -> Recipe:
    if field not in recipes:
        name = next(iter(recipes.values())).name
        raise UsageError(f"the preset {name!r} knows no field {field!r}; it is for {', '.join(recipes)}")
    return recipes[field]


def replace(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with some settings changed, each by its own name: ``replace(paper(), width=256)``,
    ``replace(standard("patches"), teacher=None)``. Seed and precision are the teacher's, too.

    Raises:
        UsageError: the recipe has no setting of that name, or the value makes no sense.
    """
    if "teacher" in changes:
        recipe = dataclasses.replace(recipe, teacher=changes.pop("teacher"))
    shared = {name: changes[name] for name in ("seed", "precision") if name in changes}
    if recipe.teacher is not None and shared:
        recipe = dataclasses.replace(recipe, teacher=replace(recipe.teacher, **shared))
    for name, value in changes.items():
        for part in ("field", "objective", "fit"):
            settings = getattr(recipe, part)
            if name in settings.__dataclass_fields__:
                # The two ways to say how long: giving one takes back the other.
                other = {"steps": {"epochs": None}, "epochs": {"steps": None}}.get(name, {})
                try:
                    changed = dataclasses.replace(settings, **{name: value}, **other)
                except ValueError as error:
                    raise UsageError(str(error)) from error
                recipe = dataclasses.replace(recipe, **{part: changed})
                break
        else:
            said = "lambda" if name == "weight" else name
            raise UsageError(
                f"the preset {recipe.name} with the field {recipe.field.name} has no setting {said}; "
                "leave it out"
            )
    return recipe
