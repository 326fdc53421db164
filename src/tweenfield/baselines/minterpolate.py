"""FFmpeg's motion-compensated filter, as it comes inside PyAV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import Float32

from tweenfield.baselines._time import split_time
from tweenfield.errors import BaselineError
from tweenfield.flow.estimator import Flow
from tweenfield.video.clip import ColorTags, Video
from tweenfield.video.color import frame_from_rgb, rgb_from_frame
from tweenfield.video.depth import colors

_FULL_RANGE = ColorTags(full_range=True)
# The filter's blocks of 16 pixels have to fit twice.
_SMALLEST = 32
# Times are told apart to this part of an interval.
_FINEST = 240


@dataclass(frozen=True)
class Minterpolate:
    """FFmpeg's ``minterpolate`` on full-range 4:4:4, with no scene detection.

    Attributes:
        options: of the filter, for estimation and compensation of motion.
    """

    options: str = "mc_mode=aobmc:me_mode=bidir:vsbmc=1"

    def __call__(
        self, observed: Video, flow: Flow, times: Sequence[Fraction | float]
    ) -> Iterator[Float32[np.ndarray, "height width 3"]]:
        """Frames at increasing ``times``, in [0, 1]. The flow isn't used.

        The whole video is drawn at the lowest rate that holds these times.

        Raises:
            BaselineError: a side is under 32 pixels, or the video has more than 8 bits.
            UsageError: a time is outside the video.
        """
        if min(observed.size) < _SMALLEST:
            raise BaselineError(
                f"{observed.name}: minterpolate needs {_SMALLEST}x{_SMALLEST} pixels or more, not "
                f"{observed.size[0]}x{observed.size[1]}"
            )
        if observed.depth > 8:
            raise BaselineError(
                f"{observed.name}: minterpolate draws 8 bits, but the video has {observed.depth}; leave this "
                "baseline out"
            )
        places = [split_time(observed, t) for t in times]
        fractions = [Fraction(s).limit_denominator(_FINEST) for _, s in places]
        rate = lcm(*(s.denominator for s in fractions))
        wanted = {int((k + s) * rate) for (k, _), s in zip(places, fractions, strict=True)}
        drawn = {at: frame for at, frame in self._stream(observed, rate) if at in wanted}
        for (k, _), s in zip(places, fractions, strict=True):
            yield colors(observed.frames[k] if s == 0 else drawn[int((k + s) * rate)])

    def _stream(self, observed: Video, rate: int) -> Iterator[tuple[int, np.ndarray]]:
        """Every frame of the filter's output with its time in parts of ``1 / rate``."""
        height, width = observed.size
        graph = av.filter.Graph()
        yuv = av.VideoFormat("yuv444p")
        source = graph.add_buffer(width=width, height=height, format=yuv, time_base=Fraction(1))
        filter_ = graph.add("minterpolate", f"fps={rate}:scd=none:mi_mode=mci:{self.options}")
        sink = graph.add("buffersink")
        source.link_to(filter_)
        filter_.link_to(sink)
        graph.configure()
        reformatter = VideoReformatter()
        last = len(observed) - 1
        # It draws no frame next to the ends of the stream, so both end frames come more than once.
        for at in range(-1, last + 5):
            if at == last + 4:
                graph.push(None)
            else:
                frame = frame_from_rgb(
                    observed.frames[min(max(at, 0), last)], _FULL_RANGE, "yuv444p", reformatter
                )
                frame.pts, frame.time_base = at + 1, Fraction(1)
                graph.push(frame)
            while True:
                try:
                    out = graph.vpull()
                except (BlockingIOError, EOFError):
                    break
                assert out.pts is not None and out.time_base is not None  # the filter stamps what it draws
                seconds = out.pts * out.time_base - 1
                yield round(seconds * rate), rgb_from_frame(out, _FULL_RANGE, reformatter)
