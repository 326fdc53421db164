"""Recipes by name: the only place that brings a field, an objective and an optimisation together."""

from __future__ import annotations

from typing import Any

from tweenfield.errors import UsageError
from tweenfield.fields import PatchesConfig, SirenConfig, TransportConfig
from tweenfield.fitting.flow_constraint import FlowConstraint
from tweenfield.fitting.leave_out import LeaveOut
from tweenfield.fitting.recipe import FitConfig, Recipe

# The paper states no scale for time; this one spreads its 20 observed frames over [-1, 1].
_PAPER_TIME_STEP = 2 / 19
# Shared by both presets, which differ in the length of the fit.
_PATCHES_CONSTRAINT = FlowConstraint(weight=0.06, huber=0.03, points=8, between=0.5, warped=1.0)

_TRANSPORT = {
    "draft": Recipe(
        name="draft",
        field=TransportConfig(width=12),
        objective=LeaveOut(hidden=6, crops=4),
        fit=FitConfig(steps=60, learning_rate=4e-3),
    ),
    "standard": Recipe(
        name="standard",
        field=TransportConfig(),
        objective=LeaveOut(),
        fit=FitConfig(steps=600, learning_rate=2e-3),
    ),
}
_PATCHES = {
    name: Recipe(
        name=name,
        field=PatchesConfig(),
        objective=_PATCHES_CONSTRAINT,
        fit=FitConfig(epochs=epochs, learning_rate=1e-3),
        teacher=_TRANSPORT[name],
    )
    for name, epochs in (("draft", 8), ("standard", 40))
}
_SIREN = {
    "draft": Recipe(
        name="draft",
        field=SirenConfig(width=160, depth=4, extent=2.0),
        objective=FlowConstraint(points=2048),
        fit=FitConfig(steps=3000, learning_rate=5e-4),
    ),
    "standard": Recipe(
        name="standard",
        field=SirenConfig(width=256, depth=5, extent=2.0),
        objective=FlowConstraint(points=4096),
        fit=FitConfig(steps=4500, learning_rate=3e-4),
    ),
    "paper": Recipe(
        name="paper",
        field=SirenConfig(width=720, depth=6, omega=25.0, time_step=_PAPER_TIME_STEP),
        objective=FlowConstraint(weight=0.12, points=65536),
        fit=FitConfig(epochs=15000, learning_rate=3.6e-5),
    ),
    "paper-experiments": Recipe(
        name="paper-experiments",
        field=SirenConfig(width=512, depth=9, omega=30.0, time_step=_PAPER_TIME_STEP),
        objective=FlowConstraint(weight=0.12, points=65536),
        fit=FitConfig(epochs=5000, learning_rate=1e-5),
    ),
}

# By field, then by preset. The default field of a preset is the first one that has it. Model files can hold
# the fields and objectives that occur here.
RECIPES: dict[str, dict[str, Recipe]] = {"transport": _TRANSPORT, "patches": _PATCHES, "siren": _SIREN}


def preset_names() -> list[str]:
    """The names of all presets, each once."""
    return list(dict.fromkeys(name for known in RECIPES.values() for name in known))


def preset(name: str, field: str | None = None) -> Recipe:
    """The recipe of that name for a field, by default for the first field that has it.

    Raises:
        UsageError: there is no such preset, or none for this field.
    """
    fields = [known for known, recipes in RECIPES.items() if name in recipes]
    if not fields:
        raise UsageError(f"there is no preset {name!r}; use {', '.join(preset_names())}")
    if field is not None and field not in fields:
        raise UsageError(f"the preset {name!r} knows no field {field!r}; it is for {', '.join(fields)}")
    return RECIPES[field or fields[0]][name]


def known(kind: str, name: str) -> Any:
    """The configuration class of a field or an objective (``kind``) that some recipe has, by its name.

    Raises:
        KeyError: no recipe has one of that name.
    """
    recipes = [recipe for known in RECIPES.values() for recipe in known.values()]
    recipes += [recipe.teacher for recipe in recipes if recipe.teacher is not None]
    return {getattr(recipe, kind).name: type(getattr(recipe, kind)) for recipe in recipes}[name]


def draft(field: str | None = None) -> Recipe:
    """A fast trial: seconds with ``transport``, about a minute with ``siren`` for 21 frames of 120x180, a
    minute or two with ``patches`` for 21 frames of 240x360. The field is ``transport`` by default.

    Raises:
        UsageError: there is no such field.
    """
    return preset("draft", field)


def standard(field: str | None = None) -> Recipe:
    """The preset for a final result: well under a minute with ``transport``, ten times as long as ``draft``
    with ``siren``, five times with ``patches``, whose time grows with the length of the video. The field is
    ``transport`` by default.

    Raises:
        UsageError: there is no such field.
    """
    return preset("standard", field)


def paper(field: str | None = None) -> Recipe:
    """The settings of the paper's results table (arXiv 2206.10886), for ``siren`` alone.

    Depth 6, width 720, omega 25, Adam with cosine decay from 3.6e-5, 15000 epochs, lambda 0.12. The paper
    doesn't give batch size or coordinate scale; ours are 65536 points and its 20 frames over [-1, 1].
    """
    return preset("paper", field)


def paper_experiments(field: str | None = None) -> Recipe:
    """The settings of the paper's experiments (arXiv 2206.10886), for ``siren`` alone.

    Depth 9, width 512, omega 30, Adam with cosine decay from 1e-5, 5000 epochs, lambda 0.12; what the
    paper doesn't give is as in ``paper``.
    """
    return preset("paper-experiments", field)
