"""One small healthy file of each format that is read, and the command that reads all of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from conftest import to_8bit, waves
from video.clips import encode

from tweenfield import Dis, Video, draft, estimate_flow, fit, replace, save, write_flow, write_video

COUNT, HEIGHT, WIDTH = 6, 32, 40
# What makes a fit a matter of a moment.
SETTINGS = {
    "siren": {"steps": 3, "width": 8, "depth": 2, "points": 64},
    "patches": {"steps": 3, "width": 4, "points": 2, "teacher": None},
    "transport": {"steps": 2, "width": 4, "hidden": 1, "crops": 1, "side": 12},
}
TINY = [
    "--field",
    "siren",
    "--preset",
    "draft",
    "--width",
    "8",
    "--depth",
    "2",
    "--steps",
    "3",
    "--device",
    "cpu",
]
# A fit that Ctrl-C stops on its way.
STOPPED = [word if word != "3" else "20" for word in TINY]
IMAGES = ("png", "jpg", "bmp", "tiff", "webp", "ppm", "jp2")


@dataclass(frozen=True)
class Seed:
    """A healthy file and how it is read.

    Attributes:
        name: of the format.
        damaged: the file that is mutated, within ``folder``.
        folder: all that its commands need; a case works in a copy.
        lines: commands that read it, to be run in that folder; the output is ``out`` or ``out.SUFFIX``.
    """

    name: str
    damaged: str
    folder: Path
    lines: tuple[tuple[str, ...], ...]


def pictures() -> np.ndarray:
    return np.stack([to_8bit(waves(HEIGHT, WIDTH, 1.5 * k, -0.5 * k)) for k in range(COUNT)])


def clip_and_model(seeds: dict[str, Seed], folder: Path) -> None:
    """Copy ``in.mp4`` and ``m.tween`` into a folder."""
    shutil.copy(seeds["mp4"].folder / "in.mp4", folder)
    shutil.copy(seeds["tween-siren"].folder / "m.tween", folder)


def make_seeds(root: Path) -> dict[str, Seed]:
    """A seed of each format, in folders of their own under ``root``."""
    frames, seeds = pictures(), {}
    video = Video(
        frames=frames, times=tuple(Fraction(k, 25) for k in range(COUNT)), rate=Fraction(25), name="clip.mkv"
    )
    flow = estimate_flow(video, Dis())

    def add(name: str, damaged: str, *lines: str) -> Path:
        folder = root / name
        folder.mkdir()
        seeds[name] = Seed(name, damaged, folder, tuple(tuple(line.split()) for line in lines))
        return folder / damaged

    tiny = " ".join(TINY)
    # The last two and WebM are decoded twice. Of narrow pictures, x265 writes beyond an array of its cutree.
    x265 = {"x265-params": "log-level=error:no-cutree=1"}
    codecs = {"mp4": "libx264", "mkv": "libx264", "ts": "libx265", "avi": "mjpeg"}
    for suffix in (*codecs, "webm", "gif"):
        read = [f"flow in.{suffix} -o out"] * 5
        path = add(
            suffix, f"in.{suffix}", *read, f"info in.{suffix} --shots", f"run in.{suffix} -o out.mkv {tiny}"
        )
        if suffix in codecs:
            codec, options = codecs[suffix], x265 if suffix == "ts" else None
            layout = "yuvj420p" if suffix == "avi" else "yuv420p"
            encode(path, list(frames), rate=25, audio=True, codec=codec, pixel_format=layout, options=options)
        else:
            write_video(path, frames, rate=25)
    for suffix in IMAGES:
        path = add(suffix, f"in/3.{suffix}", "flow in -o out")
        path.parent.mkdir()
        for k in range(COUNT):
            data = cv2.imencode(f".{suffix}", frames[k][..., ::-1])[1]
            path.with_stem(str(k)).write_bytes(data.tobytes())
    for field, settings in SETTINGS.items():
        path = add(f"tween-{field}", "m.tween", "render m.tween -o out --fps 1x", "info m.tween")
        save(fit(video, flow, replace(draft(field), **settings), device="cpu"), path)
    path = add("checkpoint", "m.checkpoint.tween", f"fit clip.mkv -o m.tween {' '.join(STOPPED)} --resume")
    write_video(path.parent / "clip.mkv", frames, rate=25)
    _stopped_fit(path.parent)
    for suffix in ("flo", "npy", "npz"):
        path = add(suffix, f"in.{suffix}", f"flow clip.mkv --flow in.{suffix} -o out")
        shutil.copy(root / "checkpoint" / "clip.mkv", path.parent)
    write_flow(flow, root / "all")
    short = tuple((*line, "--frames", ":2") for line in seeds["flo"].lines)
    seeds["flo"] = Seed("flo", "in.flo", root / "flo", short)
    shutil.copy(root / "all" / "forward_0000.flo", root / "flo" / "in.flo")
    np.save(root / "npy" / "in.npy", np.asarray(flow.forward))
    np.savez_compressed(
        root / "npz" / "in.npz", forward=np.asarray(flow.forward), backward=np.asarray(flow.backward)
    )
    return seeds


def _stopped_fit(folder: Path) -> None:
    """What Ctrl-C leaves of a fit."""
    from command.running import tweenfield
    from fitting.fits import interrupt_after

    from tweenfield.command import actions

    before = actions.fit_progress
    actions.fit_progress = lambda on_stage: interrupt_after(10)
    try:
        tweenfield("fit", folder / "clip.mkv", "-o", folder / "m.tween", *STOPPED)
    finally:
        actions.fit_progress = before
