"""``--with``: another interpolator, mixed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tweenfield.command.console import Stages, say
from tweenfield.errors import UsageError

if TYPE_CHECKING:
    from tweenfield import Companion, FitResult, Flow, Recipe, Video
    from tweenfield.fields.shares import Between


def between_of(text: str | None, recipe: Recipe) -> Between | None:
    """The interpolator to mix in, if one was asked for."""
    from tweenfield.baselines import companion
    from tweenfield.fitting.leave_out import LeaveOut

    if text is None:
        return None
    if not isinstance(recipe.objective, LeaveOut):
        raise UsageError(
            f"--with mixes in where flow is in doubt, which the field {recipe.field.name} doesn't look at; "
            "leave out --with, or use --field transport"
        )
    return companion(text).between


def companion_of(
    text: str | None, result: FitResult, video: Video, flow: Flow, on_stage: Stages, quiet: bool
) -> Companion | None:
    """The interpolator that was asked for, with its shares measured on this video."""
    from tweenfield.evaluation.accompany import accompany

    between = between_of(text, result.recipe)
    if text is None or between is None:
        return None
    companion = accompany(
        result, video, flow, between, on_progress=lambda done, total: on_stage("other", done, total)
    )
    if not companion.shares.any():
        name = text.partition("=")[0]
        say(
            f"tweenfield: {video.name}: {name} is of no help on hidden frames, and isn't mixed in",
            quiet=quiet,
        )
        return None
    return companion
