"""Observed frames, whose truth is known, hidden and predicted as transport would.

The frames between observed ones are unknown, so observed frames are hidden and predicted from the others. At
full size, hiding every second frame doubles the motion, so the weights are fitted for the wrong regime. With
the picture halved as well, motion in pixels is as long as in rendering, but texture is finer. With three of
four frames hidden and a quarter of the size, truth is known at the quarters of an interval too. All three
kinds together did best (docs/lab-notes.md).

Flow estimated between the frames that are left spans a longer time than in rendering. It fails more often,
and the network would learn to distrust the flow. So the flow through the hidden frames is composed instead.
Where its forward and backward parts still agree less than flow between observed frames does, a hidden frame
is less reliable: with A the median agreement between observed frames and a that around the hidden one, the
truth V is replaced by

    c V + (1 - c) base,       c = clip(1 - (A - a) / 0.2, 0, 1),

where base is the base mixture and c the confidence in the hidden frame. The lower the confidence, the closer
the fitted weights stay to those of the base mixture.

Over the longer time paths bend further and light changes more than between observed frames, by more than any
choice among the candidates can mend. ``longer_interval`` undoes that.

Where the maps are smaller than the picture, a hidden frame is one pixel of the full picture for each pixel of
the maps, always at the same place within it: as good a sample of the colours as all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tweenfield import threads
from tweenfield.fields import splines
from tweenfield.fields.transport import kernels
from tweenfield.fields.transport.candidates import SOURCES, STILL, Trace, Window, trace, window
from tweenfield.fields.transport.expected import Sight, sight_of
from tweenfield.fields.transport.gathering import gather
from tweenfield.fields.transport.mixing import COARSER, base_weights
from tweenfield.fitting.leave_out.hidden_frames import Hidden, Seen
from tweenfield.fitting.leave_out.longer_interval import certain, lit, passing
from tweenfield.flow import Flow
from tweenfield.flow.observed import PER_STRETCH, Observed, mean_agreement, stretches
from tweenfield.flow.sampling import reduce, sample_displaced
from tweenfield.storage.on_demand import Rows
from tweenfield.video.depth import colors, full_scale

# Larger maps are cropped to these sides, so that preparation costs about the same for any size; where they
# are smaller than the picture, of which a crop is many times as large, to half of each.
_LARGEST = (240, 360)
# Flow can't be estimated on smaller pictures.
_SMALLEST = 12
# A hidden frame with this much less agreement than the median has confidence 0.
_LESS_AGREEMENT = 0.2


class Kind(NamedTuple):
    """How frames are hidden."""

    stride: int
    """Every n-th frame is kept."""
    shrink: int
    """By how much the picture is smaller."""
    undone: bool = True
    """Whether what only the longer time changes is undone (``longer_interval``)."""


# What the weights are fitted to.
TO_FIT = (Kind(2, 2), Kind(2, 1), Kind(4, 4))
# What tells of errors, which paths that bend and light that changes are a part of.
AS_SEEN = Kind(2, 2, undone=False)
FULL_SIZE_AS_SEEN = Kind(2, 1, undone=False)


def hide_frames(
    observed: Observed, reduction: int, count: int, kinds: Sequence[Kind] = TO_FIT
) -> list[list[Seen]]:
    """Hidden frames of each kind, at most ``count`` of each, none of a kind that the video doesn't allow.

    ``reduction`` says by how much the maps are smaller than the picture.
    """
    small = observed.reduced(reduction)
    # No more stretches than hold the hidden frames: the flow of an interval takes as long as many steps.
    parts = stretches(len(observed.video), -(-count // PER_STRETCH))
    composed = lru_cache(maxsize=16)(partial(_composed, small.flow))
    ways = {kind[:2]: _Way(observed, composed, reduction, *kind[:2]) for kind in kinds}

    # All kinds of a frame at once: its surroundings, frames and flow made on demand, are the same.
    def hide(target: tuple[range, int, int]) -> list[tuple[Seen, float] | None]:
        found = {way: ways[way].hide(*target, [k.undone for k in kinds if k[:2] == way]) for way in ways}
        return [found[kind[:2]].get(kind.undone) for kind in kinds]

    found = threads.each(hide, _targets(parts, -(-count // len(parts))))
    if not any(map(any, found)):
        return [[] for _ in kinds]
    shown = [k for part in parts for k in part[:-1]]
    usual = float(np.median(small.residuals[shown][:, 2]))
    return [
        [_relied_on(seen, usual - agreed) for seen, agreed in filter(None, kind)]
        for kind in zip(*found, strict=True)
    ]


def _relied_on(seen: Seen, less: float) -> Seen:
    """The hidden frame with its confidence, by how much less its flows agree than usual."""
    confidence = seen.hidden.confidence.new_tensor([min(max(1 - less / _LESS_AGREEMENT, 0), 1)])
    return seen._replace(hidden=seen.hidden._replace(confidence=confidence))


class _Way:
    """Frames of a video that are hidden in one way, seen as they are and with what only the longer time
    changes undone.
    """

    def __init__(
        self,
        observed: Observed,
        composed: Callable[[int, int], tuple[np.ndarray, np.ndarray]],
        reduction: int,
        stride: int,
        shrink: int,
    ) -> None:
        self._video, self._small, self._composed = observed.video, observed.reduced(reduction), composed
        self._reduction, self._stride, self._shrink = reduction, stride, shrink
        # In pixels of the maps. Larger ones are cropped; what is left of sides that don't divide is dropped.
        self._rows, self._columns = (
            min(side // (shrink * reduction), most // min(reduction, 2)) // COARSER * COARSER
            for side, most in zip(self._video.size, _LARGEST, strict=True)
        )
        size = self._rows * reduction, self._columns * reduction
        # Of a function that doesn't hold this object, as one that holds itself is freed late.
        self._picture = lru_cache(maxsize=12)(partial(_part, self._video.frames, size, reduction, shrink))

    def hide(
        self, stretch: range, number: int, target: int, undone: Sequence[bool]
    ) -> dict[bool, tuple[Seen, float]]:
        """Frame ``target``, number ``number`` of those hidden, with the agreement of the flows around it, by
        whether the longer time is undone; none where frames are too few or too small, or its window has a
        cut. Confidence is left at 1.
        """
        stride = self._stride
        if min(self._rows, self._columns) < _SMALLEST or len(stretch) <= stride:
            return {}
        # Fractions 1 / stride, 2 / stride, ... in turn, as far as the ends of the stretch allow.
        offset = 1 + number % (stride - 1)
        first = min(max(target - offset, stretch[0]), stretch[-1] - stride)
        last = first + stride
        place, pixel = self._chosen(number)
        around, index = self._window(stretch, first, place)
        if around.cut:
            return {}
        frames = [self._picture(index[k], *place) for k in around.frames]
        small = self._small
        fraction = float(np.divide(*(small.durations[first:end].sum() for end in (target, last))))
        truth = self._picture(target, *place)
        traced = trace(around, fraction)
        agreed = mean_agreement(around.forward[1], around.backward[1])
        ends = partial(self._all, (first, last, target), place)
        found = {}
        for way in undone:
            through = None
            if way:
                halves = (self._motion(a, b, *place) for a, b in ((first, target), (target, last)))
                ahead, back = (np.stack(side) for side in zip(*halves, strict=True))
                through = Flow(forward=ahead, backward=back, name=small.flow.name)
            hidden, sight, present = _hidden(
                around, traced, through, frames, fraction, truth, self._reduction, pixel
            )
            found[way] = Seen(hidden, sight, present, target, ends, pixel), agreed
        return found

    def _chosen(self, number: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Where to crop the maps, and which pixel (x, y) of the picture stands for one of theirs."""
        places = np.random.default_rng(number)
        top, left = (
            int(places.integers(side // self._reduction - n * self._shrink + 1))
            for side, n in zip(self._video.size, (self._rows, self._columns), strict=True)
        )
        x, y = places.integers(self._reduction, size=2).tolist()
        return (top, left), (x, y)

    def _window(self, stretch: range, first: int, place: tuple[int, int]) -> tuple[Window, list[int]]:
        """What is around the interval that is left from frame ``first`` on, and the numbers of its frames."""
        stride, small = self._stride, self._small
        index = [i for i in range(first - stride, first + 2 * stride + 1, stride) if i in stretch]
        pairs = list(pairwise(index))
        # Before the flow, as cuts are told by frames further to both sides: so each is decoded once.
        cut, broken = (np.array([which[a:b].any() for a, b in pairs]) for which in (small.cuts, small.breaks))
        forward, backward = np.stack([self._motion(a, b, *place) for a, b in pairs], axis=1)
        moving = np.array([small.moves[a:b].all() for a, b in pairs])
        lasting = np.array([small.durations[a:b].sum() for a, b in pairs])
        at = index.index(first)
        return window(
            forward, backward, broken, lasting, at, cut=bool(cut[at]), moves=bool(moving[at])
        ), index

    def _motion(self, a: int, b: int, top: int, left: int) -> list[np.ndarray]:
        rows, columns, shrink = self._rows, self._columns, self._shrink
        part = np.s_[top : top + rows * shrink, left : left + columns * shrink]
        return [
            cv2.resize(way[part], (columns, rows), interpolation=cv2.INTER_AREA) / np.float32(shrink)
            for way in self._composed(a, b)
        ]

    def _all(self, frames: Sequence[int], place: tuple[int, int]) -> list[np.ndarray]:
        return [self._picture(k, *place) for k in frames]


def _part(
    frames: Rows, size: tuple[int, int], reduction: int, shrink: int, frame: int, top: int, left: int
) -> np.ndarray:
    """A part of a frame from a place of the maps on, ``shrink`` times smaller, ``size`` (height, width)."""
    (height, width), y, x = size, reduction * top, reduction * left
    part = frames[frame, y : y + height * shrink, x : x + width * shrink]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)


def _targets(stretches: list[range], each: int) -> Iterator[tuple[range, int, int]]:
    """Frames to hide, spread over each stretch but its ends, with the stretch and a running number."""
    number = 0
    for stretch in stretches:
        inside = stretch[1:-1]
        for k in np.unique(np.linspace(0, len(inside) - 1, min(each, len(inside))).round().astype(int)):
            yield stretch, number, inside[int(k)]
            number += 1


def _hidden(
    around: Window,
    traced: Trace,
    through: Flow | None,
    frames: list[np.ndarray],
    fraction: float,
    truth: np.ndarray,
    reduction: int,
    pixel: tuple[int, int],
) -> tuple[Hidden, Sight, Float[Tensor, " candidates"]]:
    """The candidates at a hidden frame, and its truth. Given the flow through the frame, what only the longer
    time changes is undone.
    """
    paths = traced.displacement[:STILL]
    if through is not None:
        sure = certain(through)
        paths = passing(paths, through, sure, fraction)
    displacement = torch.from_numpy(paths).movedim(-1, 1).contiguous()
    colors = _candidates([reduce(frame, reduction) for frame in frames], displacement, 1, (0, 0))
    evidence = gather(colors, traced.cues, traced.present, fraction)
    base = base_weights(evidence.still, evidence.fraction)
    offset = (torch.tensor([pixel]) + 0.5) / reduction - 0.5
    if reduction > 1:
        moved = splines.shift(displacement, offset.expand(STILL, 2))
        colors = _candidates(frames, reduction * moved, reduction, pixel)
        base = splines.shift(base, offset)
    x, y = pixel
    true = torch.from_numpy(truth[y::reduction, x::reduction]).permute(2, 0, 1).float() / full_scale(
        truth.dtype
    )
    mixed = (base[0, :, None] * colors).sum(dim=0)
    if through is not None:
        true = lit(true, mixed, *_still(colors, around), fraction, torch.from_numpy(sure))
    reached = 4 * fraction * (1 - fraction) * evidence.present[0, :, None, None, None]
    parts = (evidence.features[0], evidence.fine[0], evidence.doubt[0])
    predicted = (reached * (colors - mixed), true - mixed, torch.ones(()), offset[0])
    hidden = Hidden(*(part[None].half() for part in (*parts, *predicted)))
    sight = sight_of(colors, torch.from_numpy(traced.cues), reduction * displacement, fraction)
    return hidden, sight, evidence.present[0]


def _still(
    colors: Float[Tensor, "candidates 3 rows columns"], around: Window
) -> tuple[Float[Tensor, "frames 3 rows columns"], list[float]]:
    """The frames of a window and their times, in its middle interval; those beside the hidden one first."""
    before, middle, after = around.durations
    times, there = (0.0, 1.0, -before / middle, 1 + after / middle), (True, True, *around.present)
    order = [STILL + SOURCES[STILL:].index(k) for k in (1, 2, 0, 3)]
    chosen = [(colors[k], time) for k, time, here in zip(order, times, there, strict=True) if here]
    pictures, placed = zip(*chosen, strict=True)
    return torch.stack(pictures), list(placed)


def _candidates(
    frames: list[np.ndarray],
    displacement: Float[Tensor, "moving 2 rows columns"],
    step: int,
    first: tuple[int, int],
) -> Float[Tensor, "candidates 3 rows columns"]:
    """The colours of all candidates at every ``step``-th pixel of the window's frames."""
    moved = displacement.new_empty(STILL, 3, *displacement.shape[2:])
    images = tuple(kernels.spline_picture(frame) for frame in frames)
    kernels.fetch(images, displacement.numpy(), step, first, moved.numpy())
    x, y = first
    still = np.stack([frames[k][y::step, x::step] for k in SOURCES[STILL:]])
    return torch.cat((moved, torch.from_numpy(colors(still)).permute(0, 3, 1, 2)))


def _composed(flow: Flow, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
    """Flow from frame a to the later frame b through all those between, and back."""
    ahead, back = flow.forward[a].copy(), flow.backward[a]
    # Interval by interval in one direction, as long clips estimate each when it is asked for.
    for k in range(a + 1, b):
        ahead += sample_displaced(flow.forward[k], ahead)
        step = flow.backward[k]
        back = step + sample_displaced(back, step)
    return ahead, back
