"""Another interpolator beside a field: how much of its frames to mix in is measured on the clip itself."""

from __future__ import annotations

from collections.abc import Callable

from tweenfield.drawing.companion import Companion
from tweenfield.errors import UsageError
from tweenfield.fields.shares import Between
from tweenfield.fitting.leave_out import LeaveOut
from tweenfield.fitting.result import FitResult
from tweenfield.flow import Flow, Observed
from tweenfield.video import Video


def accompany(
    result: FitResult,
    observed: Video,
    flow: Flow,
    between: Between,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Companion:
    """Mix another interpolator's frames into a field's where the flow is in doubt.

    Observed frames are hidden and drawn by both. For each class of disagreement between forward and backward
    flow, the other gets the share that comes nearest the hidden frames by least squares. It is 0 where the
    other doesn't help, or if the video is too short to hide a frame.

    Args:
        result: a fit of ``transport``.
        observed: the frames it was fitted to.
        flow: their flow.
        between: draws a frame between two: given both, in uint8 or uint16, and a fraction of the way from the
            first to the second, it returns colours in [0, 1] of shape (height, width, 3). ``Rife().between``,
            ``Command(...).between``, or a function of yours.
        on_progress: called with the number of hidden frames drawn and to be drawn.

    Returns:
        What ``render`` takes as ``companion``.

    Raises:
        UsageError: the field isn't ``transport``, or the video is transparent.
    """
    objective = result.recipe.objective
    if not isinstance(objective, LeaveOut):
        raise UsageError(
            f"the field {result.field.name} follows no flow when it draws, so nothing can be mixed in where "
            "flow is in doubt; use transport"
        )
    if observed.alpha is not None:
        raise UsageError(
            f"{observed.name}: nothing can be mixed into transparent video; lay it over a colour first"
        )
    shares = objective.shares(result.field, Observed(observed, flow), between, on_progress)
    return Companion(between=between, frames=observed.frames, shares=shares)
