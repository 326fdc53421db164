"""Repeated frames: how many are found in made clips, and what even times are worth to what is drawn.

Real clips are sampled in a known cadence, shown at a higher rate by repeating frames, and encoded with
libx264 at CRF 23 or 30. Detection counts intervals whose second frame repeats the first. Interpolation draws
some of all frames of a part with the baseline ``warp``, once from the clip as it is stored and once without
repeats; as a constant delay of the picture is no fault, each is scored at the best of five shifts. Clips that
repeat nothing are searched whole; the signers (``asl``) were recorded by webcams, and do repeat.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from common import ROOT, arguments, begun, keep, table

from tweenfield import BASELINES, Dis, Video, estimate_flow, find_repeats, psnr, read_video, without_repeats
from tweenfield.video.selecting import resize
from tweenfield.video.timing import field_position

VIDEOS = ROOT.parent / "shared" / "data" / "videos"
RATE = Fraction(30)
# Parts of videos: file, first frame, frame after the last, height and width. None has repeats of its own.
PARTS = (
    ("bikes.mp4", 0, 137, (154, 362)),
    ("bunny_1080p60.mp4", 340, 500, (180, 320)),
    ("bunny_1080p60.mp4", 980, 1140, (180, 320)),
    ("carphone_pristine.mp4", 0, 120, (144, 176)),
    ("cup.mp4", 30, 190, (240, 320)),
    ("iot_bottle-detection.mp4", 450, 610, (180, 320)),
    ("mouse_250fps.mp4", 350, 510, (202, 198)),
    ("walk_1088x1920_60.mp4", 0, 100, (320, 180)),
)
# Each new frame is shown for so many intervals on average.
CADENCES = {
    "twos (12 in 24)": Fraction(2),
    "threes (8 in 24)": Fraction(3),
    "24 in 30": Fraction(5, 4),
    "24 in 60": Fraction(5, 2),
    "25 in 30": Fraction(6, 5),
}
STUTTERS = ("stutter at random", "stutter, regular")
# Of these parts, frames are drawn; so many of each.
DRAWN_PARTS, DRAWN = (1, 4, 5), 30


@dataclass(frozen=True)
class Made:
    """A made clip: which frame of the part each frame shows, and how many of the part's an interval is."""

    shows: np.ndarray
    interval: int


@lru_cache(maxsize=2)
def part(index: int) -> np.ndarray:
    """The frames of a part at its reduced size."""
    name, first, last, size = PARTS[index]
    video = read_video(VIDEOS / name, frames=f"{first}:{last}")
    return np.stack([resize(frame, size) for frame in video.frames])


def sampled(kind: str, count: int, coarse: bool, phase: int = 0) -> Made:
    """A cadence or stutter over ``count`` frames of a part.

    If ``coarse``, every few frames of the part are shown only, so that true ones lie between.
    """
    if kind in CADENCES:
        hold = CADENCES[kind]
        # An interval is then a whole number of the part's frames.
        step, interval = (hold.numerator, hold.denominator) if coarse else (1, 1)
        shown = np.arange(int((count - 1) // step * hold) + 1 - phase) + phase
        return Made(np.array([int(k / hold) for k in shown]) * step, interval)
    step = 2 if coarse else 1
    shows = np.arange(0, count, step)
    rng = np.random.default_rng(count + phase)
    lost = np.arange(4, len(shows) - 1, 5)
    if kind == "stutter at random":
        lost = np.flatnonzero(rng.random(len(shows)) < 0.08)
        lost = lost[(lost > 0) & (lost < len(shows) - 1)]
    for k in lost:
        shows[k] = shows[k - 1]
    return Made(shows, step)


def stored(frames: np.ndarray, crf: int) -> Video:
    """The frames encoded by libx264 and read again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=int(RATE), options={"crf": str(crf)})
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "yuv420p"
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
            container.mux(stream.encode(None))
        video = read_video(path)
        return held(np.asarray(video.frames))


def held(frames: np.ndarray) -> Video:
    times = tuple(k / RATE for k in range(len(frames)))
    return Video(frames=frames, times=times, rate=RATE, name="made")


def run_detection(crf: int) -> dict:
    """Right, false and missed repeats by kind, with precision and recall, and the time that a frame takes."""
    counts = {kind: np.zeros(3, int) for kind in (*CADENCES, *STUTTERS)}
    for index in range(len(PARTS)):
        frames = part(index)
        for kind, count in counts.items():
            clip = sampled(kind, len(frames), coarse=False, phase=index % 5 if kind in CADENCES else 0)
            truth = set((np.flatnonzero(np.diff(clip.shows) == 0) + 1).tolist())
            found = set(find_repeats(stored(frames[clip.shows], crf)))
            count += [len(found & truth), len(found - truth), len(truth - found)]
    return {
        kind: {
            "right": int(right),
            "false": int(false),
            "missed": int(missed),
            "precision": right / max(right + false, 1),
            "recall": right / max(right + missed, 1),
        }
        for kind, (right, false, missed) in counts.items()
    }


def run_plain(clips: Path) -> dict:
    """The repeats found in the shared clips as they are, and in made ones that repeat nothing that moves."""
    results = {}
    for path in (*sorted(clips.glob("*.mkv")), *sorted(VIDEOS.iterdir())):
        video = read_video(path)
        results[path.name] = {"frames": len(video), "found": find_repeats(video)}
        print(path.name, results[path.name], flush=True)
    rng = np.random.default_rng(0)
    moving = part(1)
    still = np.repeat(moving[:1], 40, 0)
    noisy = np.clip(still + rng.normal(0, 2, still.shape), 0, 255).astype(np.uint8)
    card = np.concatenate([np.repeat(part(3)[:1, :, :], 30, 0), part(3)])
    noise = rng.integers(0, 256, (40, 96, 128, 3)).astype(np.uint8)
    for name, frames in {
        "still": still,
        "still with noise": noisy,
        "title card, then motion": card,
        "noise": noise,
    }.items():
        for how, video in (("", held(frames)), (", encoded", stored(frames, 23))):
            results[name + how] = {"frames": len(frames), "found": find_repeats(video)}
            print(name + how, results[name + how], flush=True)
    return results


def drawn(video: Video, times: list[Fraction]) -> list[np.ndarray]:
    """Frames at these times in seconds by the baseline ``warp``."""
    positions = [field_position(video.times, t) for t in times]
    return [
        np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        for picture in BASELINES["warp"](video, estimate_flow(video, Dis()), positions)
    ]


def run_interpolation() -> Iterator[dict]:
    """PSNR in dB of frames of a part of which a made clip has some, with repeats and without; as it grows."""
    results: dict = {}
    for index in DRAWN_PARTS:
        truth = part(index)
        for kind in (*CADENCES, *STUTTERS):
            clip = sampled(kind, len(truth), coarse=True)
            video = stored(truth[clip.shows], 23)
            new = without_repeats(video)
            # Shown or not, at any phase: a shift must not move all of them to where a frame is stored.
            last = min((len(video) - 1) * clip.interval, len(truth) - 3)
            between = np.sort(np.random.default_rng(0).permutation(np.arange(2, last + 1))[:DRAWN])
            times = [Fraction(int(j), clip.interval) / RATE for j in between]
            scores = {}
            for name, source in (("as stored", video), ("without repeats", new)):
                pictures = drawn(source, times)
                shifted = [
                    float(np.mean([psnr(p, truth[j + s]) for p, j in zip(pictures, between, strict=True)]))
                    for s in range(-2, 3)
                ]
                scores[name] = max(shifted)
                scores[f"{name}, no shift"] = shifted[2]
            scores["left out"], scores["frames"] = len(video) - len(new), len(video)
            results.setdefault(kind, {})[f"{PARTS[index][0]} {PARTS[index][1]}"] = scores
            print(kind, PARTS[index][0], scores, flush=True)
            yield results


def main() -> None:
    options = arguments(__doc__)
    path = options.output / "repeats.json"
    content = begun(path)
    for name, work in {
        "detection, CRF 23": lambda: run_detection(23),
        "detection, CRF 30": lambda: run_detection(30),
        "plain": lambda: run_plain(options.clips),
    }.items():
        if name not in content:
            content[name] = work()
            keep(path, content)
    if "interpolation" not in content:
        for results in run_interpolation():
            keep(path, {**content, "interpolation": results})
        content["interpolation"] = results
    for name in ("detection, CRF 23", "detection, CRF 30"):
        lines = (
            (kind, *(f"{r[c]:.3f}" for c in ("precision", "recall"))) for kind, r in content[name].items()
        )
        print(table((name, "precision", "recall"), lines))
    columns = ("as stored", "without repeats")
    lines = (
        (kind, *(f"{np.mean([r[c] for r in clips.values()]):.2f}" for c in columns))
        for kind, clips in content["interpolation"].items()
    )
    print(table(("PSNR in dB", *columns), lines))


if __name__ == "__main__":
    main()
