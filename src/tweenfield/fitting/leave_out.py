"""The objective of the transport field: hide observed frames, whose truth is known, and predict them.

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
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, zip_longest
from typing import ClassVar, NamedTuple, final

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from tweenfield.fields import splines
from tweenfield.fields.base import Field, FieldConfig, Grid, frame_points
from tweenfield.fields.transport import Transport, TransportConfig
from tweenfield.fields.transport.candidates import SOURCES, STILL, Window, trace, window
from tweenfield.fields.transport.mixing import base_weights
from tweenfield.fitting.losses import Losses
from tweenfield.flow import Flow
from tweenfield.flow.observed import Observed, mean_agreement
from tweenfield.flow.sampling import displaced, sample_linear

# The kinds of hidden frames: every n-th frame is kept, and the picture is shrunk by this factor.
_KINDS = ((2, 2), (2, 1), (4, 4))
# Added to the mean squared error before the logarithm; 1e-5 is 50 dB.
_NO_ERROR = 1e-5
# Larger frames are cropped to these sides, so that preparation costs the same for any size.
_LARGEST = (360, 480)
# Flow can't be estimated on smaller pictures.
_SMALLEST = 12
# A hidden frame with this much less agreement than the median has confidence 0.
_LESS_AGREEMENT = 0.2


@dataclass(frozen=True, kw_only=True)
class LeaveOut:
    """Settings of the objective of ``transport``: it hides observed frames and predicts them.

    Raises:
        ValueError: a setting isn't positive.
    """

    name: ClassVar[str] = "leave-out"

    hidden: int = 20
    """At most this many hidden frames of each kind, spread over the video."""
    crops: int = 8
    """Crops of hidden frames per step."""
    side: int = 80
    """Side of a crop in pixels."""

    def __post_init__(self) -> None:
        for setting in ("hidden", "crops", "side"):
            if getattr(self, setting) < 1:
                raise ValueError(f"leave-out: {setting} is {getattr(self, setting)}, but must be at least 1")

    @property
    def teachable(self) -> bool:
        """False: its only colours are observed ones."""
        return False

    def check(self, field: FieldConfig) -> None:
        """Check that the field is ``transport``.

        Raises:
            ValueError: it is another.
        """
        if not isinstance(field, TransportConfig):
            raise ValueError(f"leave-out fits the weights of {TransportConfig.name}, not {field.name}")

    def learnt(self, grid: Grid) -> nn.ModuleDict:
        """Nothing besides the field."""
        return nn.ModuleDict()

    def on(self, observed: Observed, device: torch.device, teacher: Field | None = None) -> HiddenFrames:
        """The objective for this video and its flow, with its data on ``device``."""
        return HiddenFrames(self, observed, device)


class Hidden(NamedTuple):
    """A hidden frame and what predicts it, in half precision, so that all of them fit in memory."""

    colors: Float[Tensor, "candidates 3 height width"]
    cues: Float[Tensor, "cues height width"]
    present: Float[Tensor, " candidates"]
    fraction: Float[Tensor, ""]
    truth: Float[Tensor, "3 height width"]


@final
class HiddenFrames:
    """Mean over crops of the logarithm of the squared error, so that hard frames don't dominate the loss."""

    def __init__(self, config: LeaveOut, observed: Observed, device: torch.device) -> None:
        self._config, self.learnt = config, nn.ModuleDict()
        kinds: list[list[Hidden]] = [[] for _ in _KINDS]
        # All kinds of a frame at once: its surroundings, frames and flow made on demand, are the same.
        for found in zip_longest(*(_hide(observed, *kind, config.hidden) for kind in _KINDS)):
            for kind, hidden in zip(kinds, found, strict=True):
                if hidden is not None:
                    kind.append(Hidden(*(part.to(device) for part in hidden)))
        self._kinds = [kind for kind in kinds if kind]
        sides = [side for kind in self._kinds for hidden in kind for side in hidden.truth.shape[1:]]
        self._side = min([config.side, *sides])
        pixels = sum(hidden.truth[0].numel() for kind in self._kinds for hidden in kind)
        self._steps_per_epoch = max(1, pixels // (config.crops * self._side**2))

    def steps_per_epoch(self, field: Transport) -> int:
        """Steps after which as many pixels were sampled as the hidden frames have."""
        return self._steps_per_epoch

    def __call__(self, field: Transport, generator: torch.Generator) -> Losses:
        """The loss of one batch of crops; ``observation`` is the squared error summed over RGB."""
        if not self._kinds:  # too few or too small frames to hide any
            nothing = 0 * sum((parameter.sum() for parameter in field.parameters()), torch.zeros(()))
            return Losses(nothing, nothing.detach(), nothing.detach())
        crops = [self._crop(generator) for _ in range(self._config.crops)]
        colors, cues, present, fraction, truth = (
            torch.stack(part).float() for part in zip(*crops, strict=True)
        )
        weight = field.mixing(colors, cues, present, fraction)
        error = ((weight[:, :, None] * colors).sum(dim=1) - truth).square().mean(dim=(1, 2, 3))
        return Losses((error + _NO_ERROR).log().mean(), 3 * error.mean(), torch.zeros_like(error[0]))

    def _crop(self, generator: torch.Generator) -> Hidden:
        def draw(count: int) -> int:
            return int(torch.randint(count, (), generator=generator))

        kind = self._kinds[draw(len(self._kinds))]
        hidden = kind[draw(len(kind))]
        height, width = hidden.truth.shape[1:]
        top, left = draw(height - self._side + 1), draw(width - self._side + 1)
        area = (..., slice(top, top + self._side), slice(left, left + self._side))
        return hidden._replace(colors=hidden.colors[area], cues=hidden.cues[area], truth=hidden.truth[area])


def _hide(observed: Observed, stride: int, shrink: int, count: int) -> Iterator[Hidden | None]:
    """Frames of a video, hidden from a window of every ``stride``-th frame, all shrunk by ``shrink``.

    None stands for one whose window has a cut.
    """
    video, flow = observed.video, observed.flow
    last = len(video) - 1
    # Frames above the limit are cropped; what remains of a side that doesn't divide is dropped.
    height, width = (min(side // shrink, most) for side, most in zip(video.size, _LARGEST, strict=True))
    if last < stride or min(height, width) < _SMALLEST:
        return
    cuts, moves = observed.cuts, observed.moves
    median_agreement = float(np.median(observed.sample[:, 2]))
    targets = np.unique(np.linspace(1, last - 1, min(count, last - 1)).round().astype(int))
    places = np.random.default_rng(0)

    @lru_cache(maxsize=16)
    def picture(index: int, top: int, left: int) -> np.ndarray:
        part = video.frames[index, top : top + height * shrink, left : left + width * shrink]
        return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)

    def motion(a: int, b: int, top: int, left: int) -> list[np.ndarray]:
        part = np.s_[top : top + height * shrink, left : left + width * shrink]
        return [
            cv2.resize(way[part], (width, height), interpolation=cv2.INTER_AREA) / np.float32(shrink)
            for way in _composed(flow, a, b)
        ]

    for number, target in enumerate(targets.tolist()):
        # Fractions 1 / stride, 2 / stride, ... in turn, as far as the ends of the video allow.
        offset = 1 + number % (stride - 1)
        first = min(max(target - offset, 0), last - stride)
        index = [i for i in range(first - stride, first + 2 * stride + 1, stride) if 0 <= i <= last]
        place = [
            int(places.integers(side - n * shrink + 1))
            for side, n in zip(video.size, (height, width), strict=True)
        ]
        frames = np.stack([picture(i, *place) for i in index])
        pairs = list(pairwise(index))
        forward, backward = np.stack([motion(a, b, *place) for a, b in pairs], axis=1)
        cut = np.array([cuts[a:b].any() for a, b in pairs])
        moving = np.array([moves[a:b].all() for a, b in pairs])
        around = window(frames, forward, backward, cut, moving, index.index(first))
        if around.cut:
            yield None
            continue
        less = median_agreement - mean_agreement(around.forward[1], around.backward[1])
        confidence = min(max(1 - less / _LESS_AGREEMENT, 0), 1)
        yield _hidden(around, (target - first) / stride, picture(target, *place), confidence)


def _hidden(around: Window, fraction: float, truth: np.ndarray, confidence: float) -> Hidden:
    """The candidates' colours at the hidden frame, and its truth mixed with the base by confidence."""
    traced = trace(around, fraction)
    _, height, width, _ = around.frames.shape
    frames = torch.from_numpy(around.frames).permute(0, 3, 1, 2).float() / 255
    points = frame_points(0, (height, width), Grid(frames=1, height=height, width=width), like=frames)
    moved = points[:, :2].T + torch.from_numpy(traced.displacement[:STILL]).movedim(-1, 1).flatten(2)
    images = splines.prefilter(frames)[list(SOURCES[:STILL])]
    colors = splines.sample(images, moved[:, 0], moved[:, 1]).unflatten(2, (height, width))
    colors = torch.cat((colors, frames[list(SOURCES[STILL:])]))
    true = torch.from_numpy(truth).permute(2, 0, 1).float() / 255
    cues, at = torch.from_numpy(traced.cues), torch.tensor(fraction, dtype=torch.float32)
    base = (base_weights(cues[None], at[None])[0][:, None] * colors).sum(dim=0)
    return Hidden(
        colors=colors.half(),
        cues=cues.half(),
        present=torch.from_numpy(traced.present).half(),
        fraction=at,
        truth=torch.lerp(base, true, confidence).half(),
    )


def _composed(flow: Flow, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
    """Flow from frame a to the later frame b through all those between, and back."""
    ahead, back = flow.forward[a].copy(), flow.backward[a]
    # Interval by interval in one direction, as long clips estimate each when it is asked for.
    for k in range(a + 1, b):
        ahead += sample_linear(flow.forward[k], *displaced(ahead))
        step = flow.backward[k]
        back = step + sample_linear(back, *displaced(step))
    return ahead, back
