"""What is looked at: observed frames, a field, and what it is compared with; each drawn at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from jaxtyping import Float32, UInt8

from tweenfield.baselines import BASELINES, DEFAULT_BASELINES
from tweenfield.drawing.render import render
from tweenfield.errors import TweenfieldError, UsageError
from tweenfield.evaluation.error_maps import error_picture
from tweenfield.evaluation.split import Split
from tweenfield.fields.base import Field
from tweenfield.fields.reduced import reduced_picture
from tweenfield.fitting.recipe import Recipe
from tweenfield.fitting.result import FitResult, Source
from tweenfield.flow import Dis, Flow, estimate_flow, flow_to_color, provider
from tweenfield.flow.velocity import velocity_between
from tweenfield.storage.on_demand import OnDemand, Rows
from tweenfield.video import Video, eight_bit, find_shots
from tweenfield.video.depth import dtype_of, rounded
from tweenfield.video.transparency import over
from tweenfield.viewer.accuracy import Kind, Truth, expected_map, told, true_map
from tweenfield.viewer.background import BackgroundFit
from tweenfield.viewer.pictures import encoded, resized
from tweenfield.viewer.shell import Shell

# A baseline sees so many frames before and after, so that it takes the same time in a long clip.
_REACH = 6
# Arrows along the longer side, about.
_ARROWS = 28
# Full colour of the flow stands for one of these lengths, in pixels an interval.
_LENGTHS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
FIELD, BEFORE, AFTER, NEAREST, TRUTH = "field", "before", "after", "nearest", "truth"


@dataclass(frozen=True)
class Shown:
    """A picture and what it is, in words."""

    picture: UInt8[np.ndarray, "height width 3"]
    label: str


@final
class Session:
    """Everything that a page of the viewer shows. Pictures are drawn by one thread at a time.

    Args:
        video: the observed frames; None for a model whose video isn't at hand. Then what the model draws at
            whole times stands for them.
        result: a fit of these frames; None to fit them by ``start``.
        others: further fits of as many frames, by the name they are shown under.
        flow: the flow, or a function that makes it when it is needed.
        recipe: how ``start`` fits.
        device: as for ``tweenfield.fit``.
        shell: how the command line renders what is seen.
        split: the held-out frames between those of ``video``, which tell the true error.

    Raises:
        UsageError: the numbers of frames differ, or ``video`` isn't what ``result`` was fitted to.
    """

    def __init__(
        self,
        video: Video | None,
        result: FitResult | None = None,
        *,
        others: Mapping[str, FitResult] | None = None,
        flow: Callable[[], Flow] | None = None,
        recipe: Recipe | None = None,
        device: str = "auto",
        shell: Shell | None = None,
        split: Split | None = None,
    ) -> None:
        # Around a field alone, whose memory of what it drew isn't made for several threads. Held around more,
        # it could wait for the thread that estimates flow ahead, which waits for frames.
        self._drawing = threading.Lock()
        self._making_flow = threading.Lock()
        self._flow: Flow | None = None
        self._longest: float | None = None
        self.observed = video is not None
        if video is None:
            if result is None:
                raise UsageError("there is nothing to look at; give a video or a fitted model")
            video = _as_drawn(result, self._drawing)
        elif result is not None and Source.of(video).digest != result.source.digest:
            raise UsageError(
                f"{video.name}: these are not the frames that {result.source.name} was fitted to; "
                "give the same video and --frames"
            )
        self.video, self.shell = video, shell
        self.others = dict(others or {})
        for name, other in self.others.items():
            if len(other.source.times) != len(video):
                raise UsageError(
                    f"{name} was fitted to {len(other.source.times)} frames, but {video.name} has "
                    f"{len(video)}; compare fits of the same frames"
                )
        self.truth = Truth(video, split)
        self._make_flow = flow or (lambda: _flow_of(video, result))
        self._field = result.field if result else None
        self.fitted = result
        self.version = 1 if result else 0
        self.cuts: list[float] | None = None
        self.fit: BackgroundFit | None = None
        self._shots: threading.Thread | None = None
        if result is None and recipe is not None:
            self.fit = BackgroundFit(video, self.flow, recipe, device=device, on_field=self._take)

    def start(self) -> None:
        """Begin to fit, if there is no field yet, and to look for cuts."""
        if self.fit:
            self.fit.start()
        self._shots = threading.Thread(target=self._find_cuts, name="shots", daemon=True)
        self._shots.start()

    def close(self, timeout: float) -> bool:
        """End the fit; whether every thread ended in so many seconds each."""
        if self.fit:
            self.fit.stop()
        if self._shots:
            self._shots.join(timeout)
        ended = not (self._shots and self._shots.is_alive())
        return (self.fit is None or self.fit.join(timeout)) and ended

    @property
    def last(self) -> int:
        """The last time, in intervals."""
        return len(self.video) - 1

    @property
    def comparisons(self) -> dict[str, str]:
        """What the picture can be compared with: its name here, and in words; the usual ones first."""
        frame = "observed frame" if self.observed else "whole time"
        usual = [name for name in DEFAULT_BASELINES if name in BASELINES]
        return {
            **({TRUTH: "held-out frame, the truth"} if self.truth.held_out else {}),
            NEAREST: f"nearest {frame}",
            BEFORE: f"{frame} before",
            AFTER: f"{frame} after",
            **{f"model:{name}": name for name in self.others},
            **{f"baseline:{name}": name for name in [*usual, *(n for n in BASELINES if n not in usual)]},
        }

    def about(self) -> dict[str, Any]:
        """What doesn't change, as JSON values."""
        video = self.video
        return {
            "name": video.name,
            "height": video.size[0],
            "width": video.size[1],
            "aspect": float(video.sample_aspect_ratio),
            "frames": len(video),
            "times": [float(t - video.times[0]) for t in video.times],
            "rate": float(video.rate),
            "observed": self.observed,
            "held_out": self.truth.held_out,
            "comparisons": [{"name": name, "label": label} for name, label in self.comparisons.items()],
        }

    def state(self) -> dict[str, Any]:
        """What changes, as JSON values; ``version`` grows whenever the field is another one."""
        field = self._field
        return {
            "version": self.version,
            "field": field.name if field else None,
            "fit": self.fit.state if self.fit else None,
            "cuts": self.cuts,
        }

    def command(self, *, speed: float, part: tuple[float, float] | None) -> str:
        """The command that renders what is seen; without a file that it could name, the call in Python."""
        if self.shell is not None:
            return self.shell.command(speed=speed, part=part)
        begin, end = part or (0.0, float(self.last))
        return f"render(result.field, np.arange({begin:g}, {end:g}, {min(speed, 1) / 2:g}))"

    def flow(self) -> Flow:
        """The optical flow of the observed frames, made once."""
        with self._making_flow:
            if self._flow is None:
                self._flow = self._make_flow()
            return self._flow

    def waits(self, t: float) -> bool:
        """Whether the field's picture at time ``t`` waits for flow that is still to be estimated."""
        return self._field is not None and self._field.waits(t)

    def draw(self, what: str, t: float, height: int | None = None, *, first: bool = False) -> Shown:
        """``what`` at time ``t``: ``field``, or a name of ``comparisons``, at this height or its own.

        ``first`` is for a first look of the field, which waits for less flow.

        Raises:
            UsageError: there is no such thing to draw.
            TweenfieldError: it can't be drawn, such as a baseline whose program isn't installed.
        """
        kind, _, name = what.partition(":")
        frames = {NEAREST: round(t), BEFORE: int(t), AFTER: int(np.ceil(t))}
        field = self._field
        if kind == FIELD and field is None:
            # Said to be so, as a frame of the video isn't what the field would draw.
            shown = self._frame(round(t))
            return Shown(resized(shown.picture, height), f"nearest {shown.label}: no field yet")
        if kind == FIELD and field is not None:
            label = f"{field.name} at {round(t, 4):g}"
            if first:
                return Shown(self._rendered(field.alone(), t, height), f"{label}, a first look")
            return Shown(self._rendered(field, t, height), label)
        if kind == "model" and name in self.others:
            return Shown(self._rendered(self.others[name].field, t, height), f"{name} at {round(t, 4):g}")
        if kind == "baseline" and name in BASELINES:
            return Shown(resized(self._baseline(name, t), height), f"{name} at {round(t, 4):g}")
        if what == TRUTH and self.truth.held_out:
            picture, _, label = self.truth.nearest(t)
            return Shown(resized(picture, height), label)
        if what in frames:
            shown = self._frame(frames[what])
            return replace(shown, picture=resized(shown.picture, height))
        known = ", ".join([FIELD, *self.comparisons])
        raise UsageError(f"there is no {what!r} to draw; use {known}")

    def encoded(
        self, what: str, t: float, height: int | None, kind: str, *, first: bool
    ) -> tuple[bytes, str]:
        """``draw`` as a PNG or JPEG, and what it is in words."""
        shown = self.draw(what, t, height, first=first)
        return encoded(shown.picture, kind), shown.label

    def error_picture(self, kind: Kind, what: str, t: float, height: int | None) -> tuple[bytes, str]:
        """The error to expect of the field, or the true one of ``what``, as PNG, and the PSNR in words.

        Raises:
            UsageError: it isn't known of this, or at this time.
        """
        if kind == "true":
            frame, exact = self.truth.at(t)
            shown = self.draw(what, exact)
            error, said = true_map(shown.picture, frame, shown.label)
        else:
            with self._drawing:
                error, said = expected_map(self._fitted(), t)
        return encoded(error_picture(resized(error, height)), "png"), said

    def told(self, t: float) -> dict[str, Any]:
        """The PSNR of the field at ``t`` as JSON values: what to expect, and the true one where it is known.

        Raises:
            UsageError: there is no field yet.
        """
        field = self._fitted()
        with self._drawing:
            return told(field, t, self.truth, lambda exact: reduced_picture(field, exact, None))

    def flow_picture(self, t: float, height: int | None) -> bytes:
        """The motion at time ``t`` by the colour wheel, as PNG."""
        return encoded(flow_to_color(resized(self._velocity(t), height), self.longest(t)), "png")

    def arrows(self, t: float) -> dict[str, Any]:
        """The motion at time ``t`` on a coarse grid: rows of x, y, u, v in pixels, ``step`` pixels apart."""
        velocity = self._velocity(t)
        height, width = self.video.size
        step = max(4, round(max(height, width) / _ARROWS))
        y, x = np.mgrid[step // 2 : height : step, step // 2 : width : step]
        rows = np.stack((x.ravel(), y.ravel(), *velocity[y, x].reshape(-1, 2).T), axis=1)
        return {"step": step, "longest": self.longest(t), "arrows": rows.round(2).tolist()}

    def longest(self, t: float) -> float:
        """The motion that full colour stands for: one for the whole clip, set at the first time looked at."""
        if self._longest is None:
            lengths = [np.linalg.norm(self._velocity(at), axis=-1) for at in (t, self.last / 2)]
            usual = max(float(np.percentile(length, 99)) for length in lengths)
            self._longest = next((length for length in _LENGTHS if length >= usual), _LENGTHS[-1])
        return self._longest

    def _fitted(self) -> Field:
        if self._field is None:
            raise UsageError("there is no field yet; wait for the fit")
        return self._field

    def _velocity(self, t: float) -> Float32[np.ndarray, "height width 2"]:
        k = min(int(t), self.last - 1)
        return velocity_between(self.flow(), k, t - k)

    def _rendered(self, field: Field, t: float, height: int | None) -> UInt8[np.ndarray, "height width 3"]:
        with self._drawing:
            return reduced_picture(field, t, height)

    def _frame(self, k: int) -> Shown:
        frame = self.video.frames[k]
        return Shown(
            eight_bit(np.asarray(frame)), f"observed frame {k}" if self.observed else f"drawn at {k}"
        )

    def _baseline(self, name: str, t: float) -> UInt8[np.ndarray, "height width 3"]:
        k = min(int(t), self.last - 1)
        first, after = max(k - _REACH, 0), min(k + 2 + _REACH, len(self.video))
        flow, near = self.flow(), range(first, after)
        nearby = Flow(
            forward=_part(flow.forward, near[:-1]), backward=_part(flow.backward, near[:-1]), name=flow.name
        )
        (drawn,) = BASELINES[name](self.video.select(near), nearby, [t - first])
        return rounded(np.asarray(drawn))

    def _take(self, field: Field) -> None:
        self._field, self.version = field, self.version + 1
        if self.fit and self.fit.result:
            self.fitted = self.fit.result

    def _find_cuts(self) -> None:
        try:
            found = find_shots(self.video)
        except (TweenfieldError, MemoryError):  # marks only; whoever draws the damaged part is told
            self.cuts = []
            return
        self.cuts = [shot.frames[0] - (0.5 if shot.begins == "cut" else 0) for shot in found[1:]]


def _part(rows: Rows, chosen: range) -> Rows:
    return rows.select(chosen) if isinstance(rows, OnDemand) else rows[chosen.start : chosen.stop]


def _flow_of(video: Video, result: FitResult | None) -> Flow:
    """By the provider that the fit used, if it was one."""
    return estimate_flow(video, (provider(result.flow) if result else None) or Dis())


def _as_drawn(result: FitResult, drawing: AbstractContextManager[bool]) -> Video:
    """What a model draws at whole times, as a video; with ``transport`` those are the observed frames."""
    source, field = result.source, result.field

    def frame(k: int) -> np.ndarray:
        with drawing:
            picture = next(render(field, [k]))
        return picture if source.matte is None else over(picture, source.matte)

    return Video(
        frames=OnDemand(frame, (len(source.times), *source.size, 3), dtype_of(source.depth)),
        times=source.times,
        rate=source.rate,
        depth=source.depth,
        color=source.color,
        sample_aspect_ratio=source.sample_aspect_ratio,
        name=source.name,
    )
