"""Shots found in made transitions between real clips, beside PySceneDetect's detectors on the same files.

Every made clip is encoded with libx264, and every detector reads that file. The frame that a detector names
(tweenfield: the middle of the transition) must lie inside the transition or at most one frame beside it; a
transition is matched once, whatever else is named counts as false. Constants of tweenfield and thresholds of
PySceneDetect were chosen on the clips with even numbers; the figures are those of the odd ones. PySceneDetect
is no dependency of the package: ``pip install scenedetect`` where this is run.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from common import ROOT, arguments, begun, keep, mean_psnr, table

from tweenfield import BASELINES, Dis, Video, draft, estimate_flow, find_shots, hide, read_video
from tweenfield.evaluation.score import fit_and_score
from tweenfield.flow.observed import Observed

VIDEOS = ROOT.parent / "shared" / "data" / "videos"
# Parts of one shot each: file, first frame, frame after the last.
PARTS = (
    ("asl_help.mkv", 0, 58),
    ("asl_no.mkv", 0, 66),
    ("asl_school.mkv", 0, 72),
    ("asl_sorry.mkv", 0, 73),
    ("bikes.mp4", 0, 30),
    ("bikes.mp4", 30, 76),
    ("bikes.mp4", 76, 137),
    ("bikes.mp4", 137, 187),
    ("bikes.mp4", 187, 242),
    ("bunny_1080p60.mp4", 340, 420),
    ("bunny_1080p60.mp4", 890, 970),
    ("bunny_1080p60.mp4", 980, 1060),
    ("bunny_1080p60.mp4", 1208, 1262),
    ("carphone_pristine.mp4", 0, 120),
    ("cup.mp4", 30, 130),
    ("iot_bottle-detection.mp4", 500, 580),
    ("mouse_250fps.mp4", 350, 450),
    ("walk_1088x1920_60.mp4", 0, 100),
)
# Pairs of parts that show the same scene.
SAME = ((9, 10), (11, 12), (4, 6), (5, 8), (0, 2), (1, 3), (13, 13), (14, 14), (16, 16))
SIZES = ((180, 320), (240, 360), (144, 176), (216, 384), (270, 270))
# How many made clips of each kind, half of them for choosing constants.
KINDS = {
    "cut": 40,
    "cut, same clip": 12,
    "cut, mirrored": 12,
    "cut, dark": 12,
    "dissolve": 36,
    "fade through black": 14,
    "fade through white": 10,
    "flash": 16,
    "flicker": 8,
    "exposure": 8,
    "fade from black": 8,
    "whip pan": 16,
    "motion": 12,
}
LENGTHS = (4, 6, 8, 10, 12, 14, 16, 18, 20)


@dataclass(frozen=True)
class Made:
    """A made clip: its kind, frames, and the transition as (first frame changed, first of the new shot)."""

    kind: str
    frames: np.ndarray
    truth: tuple[int, int] | None
    crf: int


@lru_cache(maxsize=64)
def part(index: int, size: tuple[int, int]) -> np.ndarray:
    """A part's frames, the middle of the picture at this size."""
    name, first, last = PARTS[index]
    video = read_video(VIDEOS / name, frames=f"{first}:{last}")
    scale = max(side / own for side, own in zip(size, video.size, strict=True))
    height, width = (round(own * scale) for own in video.size)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return np.stack(
        [
            cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)[
                top : top + size[0], left : left + size[1]
            ]
            for frame in video.frames
        ]
    )


def made(number: int) -> Made:
    """The made clip of this number; the same number gives the same clip."""
    kind = [kind for kind, count in KINDS.items() for _ in range(count)][number]
    rng = np.random.default_rng(number)
    size = SIZES[rng.integers(len(SIZES))]
    a, b = rng.choice(len(PARTS), 2, replace=False)
    if kind == "cut, same clip":
        a, b = SAME[rng.integers(len(SAME))]
    elif kind == "motion":
        a = rng.choice([0, 5, 6, 9, 13, 14, 16])
    step = int(rng.integers(1, 3))
    around, length = 24, 0
    first, second = (part(int(k), size)[::step].astype(np.float32) for k in (a, b))
    if kind in ("dissolve", "fade through black", "fade through white"):
        length = int(rng.choice(LENGTHS))
    if kind == "cut, same clip" and a == b:
        first, second = first[: len(first) // 2], second[len(second) // 2 :]
    if kind == "cut, mirrored":
        second = np.ascontiguousarray(first[:, :, ::-1])
    if kind == "cut, dark":
        first, second = first * 0.2, second * 0.2
    first, second = (run(frames, around + length) for frames in (first, second))
    if kind.startswith(("cut", "dissolve")):
        frames, truth = mixed(first, second, length), (around, around + length)
    elif kind.startswith("fade through"):
        frames, truth = (
            through(first, second, length, 255.0 * kind.endswith("white")),
            (around, around + length),
        )
    else:
        frames = alone(kind, run(part(int(a), size)[::step].astype(np.float32), 48), rng)
        truth = None
        if kind == "whip pan":
            frames = whip(int(rng.choice([9, 10, 11, 12, 17])), size, rng)
    frames = frames + rng.normal(0, rng.choice([0, 3]), frames.shape)
    return Made(kind, np.clip(np.rint(frames), 0, 255).astype(np.uint8), truth, int(rng.choice([12, 28])))


def run(frames: np.ndarray, count: int) -> np.ndarray:
    """So many frames, to and fro where the part has fewer."""
    order = np.arange(count) % max(2 * len(frames) - 2, 1)
    return frames[np.where(order < len(frames), order, 2 * len(frames) - 2 - order)]


def mixed(first: np.ndarray, second: np.ndarray, length: int) -> np.ndarray:
    """A cut (length 0) or a dissolve whose ``length`` frames are mixtures; both shots go on meanwhile."""
    around = len(first) - length
    share = (np.arange(length, dtype=np.float32)[:, None, None, None] + 1) / (length + 1)
    middle = (1 - share) * first[around:] + share * second[:length]
    return np.concatenate((first[:around], middle, second[length:]))


def through(first: np.ndarray, second: np.ndarray, length: int, level: float) -> np.ndarray:
    """The first shot turns into an even level and that into the second, in ``length`` frames."""
    around, half = len(first) - length, length // 2
    out = 1 - (np.arange(half, dtype=np.float32)[:, None, None, None] + 1) / half
    gone = level + out * (first[around : around + half] - level)
    come = level + out[::-1][: length - half] * (second[half : 2 * half] - level)
    return np.concatenate((first[:around], gone, come, second[2 * half :]))


def alone(kind: str, frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One shot with what must not be taken for its end."""
    frames, count = frames.copy(), len(frames)
    if kind == "flash":
        lit = np.s_[24 : 24 + rng.integers(1, 3)]
        strength = rng.choice([0.5, 0.8, 1.0])
        frames[lit] = (1 - strength) * frames[lit] + strength * 255
    elif kind == "flicker":
        frames *= rng.choice([0.6, 0.8, 1, 1.15], (count, 1, 1, 1))
    elif kind == "exposure":
        low, high = rng.choice([(0.4, 1), (1, 1.5), (0.7, 1.4)])
        frames *= np.interp(np.arange(count), (20, 20 + rng.integers(2, 12)), (low, high))[
            :, None, None, None
        ]
    elif kind == "fade from black":
        frames *= np.clip(np.arange(count) / rng.integers(8, 30), 0, 1)[:, None, None, None]
    return frames


def whip(index: int, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A camera that turns fast, with motion blur: a window moved across a large picture."""
    name, first, _ = PARTS[index]
    picture = read_video(VIDEOS / name, frames=f"{first}:{first + 1}").frames[0].astype(np.float32)
    if picture.shape[0] > picture.shape[1]:
        picture = picture.transpose(1, 0, 2)
    way, length = picture.shape[1] - size[1], int(rng.integers(8, 16))
    top = int(rng.integers(picture.shape[0] - size[0]))

    def place(t: float) -> int:
        s = np.clip((t - 20) / length, 0, 1)
        return round(way * (3 * s * s - 2 * s**3))

    shutter = np.linspace(0, 0.5, 9)
    return np.stack(
        [
            np.mean([picture[top : top + size[0], x : x + size[1]] for x in map(place, k + shutter)], axis=0)
            for k in range(50)
        ]
    )


def by_tweenfield(path: Path) -> list[float]:
    """The middles of the transitions between shots, in frames."""
    shots = find_shots(read_video(path))
    return [(before.frames[1] + after.frames[0]) / 2 for before, after in pairwise(shots)]


def by_scenedetect(name: str, threshold: float | None = None) -> Callable[[Path], list[float]]:
    """The same by a detector of PySceneDetect, at its default or at another threshold."""
    import scenedetect

    def find(path: Path) -> list[float]:
        word = "adaptive_threshold" if name == "AdaptiveDetector" else "threshold"
        detector = getattr(scenedetect, name)(**({} if threshold is None else {word: threshold}))
        found = scenedetect.detect(str(path), detector, start_in_scene=True, backend="pyav")
        return [start.frame_num for start, _ in found[1:]]

    return find


# Detectors of PySceneDetect with the thresholds tried on the clips with even numbers.
GRID = {
    "ContentDetector": (10, 15, 20, 27, 35),
    "AdaptiveDetector": (1.5, 2, 2.5, 3, 4, 5),
    "ThresholdDetector": (4, 8, 12, 20, 30),
    "HistogramDetector": (0.03, 0.05, 0.1, 0.2, 0.3),
    "HashDetector": (0.2, 0.25, 0.3, 0.35, 0.4, 0.45),
}


def counted(named: list[float], truth: tuple[int, int] | None) -> tuple[int, int, int]:
    """How many are right, false and missed in one clip."""
    hits = [truth[0] - 1 <= frame <= truth[1] + 1 for frame in named] if truth else []
    right = int(any(hits))
    return right, len(named) - right, int(truth is not None) - right


def rated(counts: list[tuple[int, int, int]]) -> dict[str, float]:
    """Precision, recall and F1 over clips."""
    right, false, missed = map(int, np.sum(counts, axis=0))
    return {
        "right": right,
        "false": false,
        "missed": missed,
        "precision": right / max(right + false, 1),
        "recall": right / max(right + missed, 1),
        "f1": 2 * right / max(2 * right + false + missed, 1),
    }


def run_detectors(folder: Path) -> dict:
    """Ratings of all detectors on the clips with odd numbers."""
    total = sum(KINDS.values())
    clips = []
    for number in range(total):
        clip = made(number)
        path = folder / f"{number}.mkv"
        encode(path, clip)
        clips.append((path, clip.kind, clip.truth, len(clip.frames)))
    tuning, reported = clips[::2], clips[1::2]

    def rate(find: Callable[[Path], list[float]], clips: list) -> dict:
        counts, by_kind, began = [], defaultdict(list), time.process_time()
        for path, kind, truth, _ in clips:
            counts.append(counted(find(path), truth))
            by_kind[kind].append(counts[-1])
        spent = (time.process_time() - began) / sum(length for *_, length in clips)
        kinds = {kind: [int(n) for n in np.sum(c, axis=0)] for kind, c in by_kind.items()}
        return {**rated(counts), "right_false_missed": kinds, "processor_ms_per_frame": 1000 * spent}

    results = {"tweenfield": rate(by_tweenfield, reported)}
    print(results["tweenfield"], flush=True)
    results["tweenfield, where it was tuned"] = rate(by_tweenfield, tuning)
    for name, thresholds in GRID.items():
        tried = {t: rate(by_scenedetect(name, t), tuning)["f1"] for t in thresholds}
        best = max(tried, key=tried.__getitem__)
        results[f"{name}, default"] = rate(by_scenedetect(name), reported)
        results[f"{name}, threshold {best}"] = {**rate(by_scenedetect(name, best), reported), "tried": tried}
        print(name, tried, results[f"{name}, threshold {best}"], flush=True)
    return results


def encode(path: Path, clip: Made) -> None:
    """H.264 at the clip's rate factor, 25 frames per second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(clip.crf)})
        stream.height, stream.width = clip.frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in clip.frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))


def interpolated(clips: Path) -> Iterator[Video]:
    """Clips of 41 frames with a cut, fades from black of 14 frames, flashes, and a dissolve of 15."""

    def clip(name: str) -> np.ndarray:
        return np.asarray(read_video(clips / f"{name}.mkv").frames).astype(np.float32)

    yield named("bikes, a cut", clip("bikes"))
    level = np.interp(np.arange(41), (6, 20), (0.1, 0.5))[:, None, None, None]
    for name in ("walk", "bunny_a", "bunny_b"):
        yield named(f"{name}, fade from black", level * clip(name))
    flashing = clip("walk")
    for lit, strength in ((np.s_[16:17], 0.8), (np.s_[24:26], 0.7)):
        flashing[lit] += strength * (255 - flashing[lit])
    yield named("walk, flashes", flashing)
    share = np.clip((np.arange(41) - 12) / 16, 0, 1)[:, None, None, None]
    yield named("walk to bunny_a, dissolve", (1 - share) * clip("walk") + share * clip("bunny_a"))


def named(name: str, frames: np.ndarray) -> Video:
    times = tuple(Fraction(k, 25) for k in range(len(frames)))
    frames = np.clip(np.rint(frames), 0, 255).astype(np.uint8)
    return Video(frames=frames, times=times, rate=Fraction(25), name=name)


def run_interpolation(clips: Path) -> dict:
    """Held-out PSNR of transport, draft, and of the plain warp, stride 2."""
    results = {}
    for video in interpolated(clips):
        split = hide(video, 2)
        flow = estimate_flow(split.observed, Dis())
        fitted = fit_and_score(split, flow, draft(), device="cpu")
        results[video.name] = {
            "transport": float(np.mean(fitted.score.psnr)),
            **{
                name: mean_psnr(BASELINES[name](split.observed, flow, split.positions), split.held_out)
                for name in ("warp", "blend")
            },
            "cuts": np.flatnonzero(Observed(split.observed, flow).cuts).tolist(),
            "transport_each": [round(value, 2) for value in fitted.score.psnr],
        }
        print(video.name, results[video.name], flush=True)
    return results


def main() -> None:
    options = arguments(__doc__)
    path = options.output / "shots.json"
    content = begun(path)
    if "detectors" not in content:
        with tempfile.TemporaryDirectory() as folder:
            content["detectors"] = run_detectors(Path(folder))
        content["made"] = KINDS
        keep(path, content)
    if "interpolation" not in content:
        content["interpolation"] = run_interpolation(options.clips)
        keep(path, content)
    columns = ("precision", "recall", "f1", "processor_ms_per_frame")
    lines = ((name, *(f"{r[c]:.3f}" for c in columns)) for name, r in content["detectors"].items())
    print(table(("detector", *columns), lines))


if __name__ == "__main__":
    main()
