"""Whether anything grows: a run of 10,000 frames, 500 fits in one process, a viewer that 20 clients ask.

    python benchmarks/soak.py                 all three; writes results/soak.json
    python benchmarks/soak.py --part fits     one of fits, run, viewer; the others stay as they were

Linux only: resident sizes are read from /proc, of a process that does nothing else. Growth is that of a
straight line fitted to the second half of the samples.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np
from common import arguments, begun, keep
from memory import resident_mib

from tweenfield import Dis, draft, estimate_flow, fit, load, read_video, render, save, write_video
from tweenfield.bench.provenance import provenance

CLIENTS = 20
# Of so many answers one is compared with what the API draws.
COMPARED = 10
# The viewer keeps pictures up to this size; before the minute is measured it is full.
KEPT_MIB = 96
# Times are told apart to this part of an interval.
FINEST = 4096

Samples = list[tuple[float, float]]


def growth(samples: Samples) -> float:
    """MiB per unit of the first column, over the second half."""
    x, y = np.array(samples[len(samples) // 2 :]).T
    return float(np.polyfit(x, y, 1)[0])


@contextmanager
def sampled(process: int) -> Iterator[Samples]:
    """Seconds and resident size in MiB, twice a second until the block ends."""
    samples: Samples = []
    ended, began = threading.Event(), time.monotonic()

    def sample() -> None:
        while not ended.wait(0.5):
            resident = resident_mib(process)
            if resident is not None:
                samples.append((round(time.monotonic() - began, 1), round(resident, 1)))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def tweenfield(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tweenfield", *map(str, arguments)]


def long_run(clip: Path, frames: int) -> dict:
    """``tweenfield run`` over a clip that plays forward and backward until there are so many frames."""
    with tempfile.TemporaryDirectory() as folder:
        video = read_video(clip, size=(64, 96))
        turn = [*range(len(video)), *range(len(video) - 2, 0, -1)]
        source, target = Path(folder, "long.mkv"), Path(folder, "out.mp4")
        write_video(source, (video.frames[turn[k % len(turn)]] for k in range(frames)), rate=Fraction(25))
        process = subprocess.Popen(tweenfield("run", source, "-o", target, "--preset", "draft", "-q"))
        with sampled(process.pid) as samples:
            status = process.wait()
        if status:
            raise SystemExit(f"tweenfield run ended with {status}")
        drawn = len(read_video(target))
    # Of the whole run's seconds, though reading and fitting are among them: drawing is a little faster.
    per_thousand = growth(samples) * samples[-1][0] / (frames / 1000)
    return {
        "frames": frames, "drawn": drawn, "seconds": samples[-1][0],
        "peak_mib": max(mib for _, mib in samples),
        "growth_mib_per_1000_frames": round(per_thousand, 3), "samples": samples,
    }  # fmt: skip


def many_fits(clip: Path, fits: int) -> dict:
    """Flow, fit and one drawn frame, again and again in this process; resident size after each."""
    video, own, samples = read_video(clip, frames="0:5", size=(48, 64)), Path("/proc/self").resolve(), []
    for k in range(fits):
        result = fit(video, estimate_flow(video, Dis()), draft(), device="cpu")
        next(iter(render(result.field, [1.5])))
        samples.append((k + 1, round(resident_mib(int(own.name)), 2)))
    return {
        "fits": fits, "peak_mib": max(mib for _, mib in samples),
        "growth_mib_per_100_fits": round(100 * growth(samples), 3), "samples": samples,
    }  # fmt: skip


def many_clients(clip: Path, seconds: float) -> dict:
    """``tweenfield view`` asked by 20 clients at once, each for one picture after the other."""
    video = read_video(clip, frames="0:20", size=(120, 180))
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model.tween")
        save(fit(video, estimate_flow(video, Dis()), draft(), device="cpu"), model)
        process = subprocess.Popen(
            tweenfield(
                *("view", model, "--video", clip, "--frames", "0:20", "--size", "120x180"),
                *("--no-browser", "--json", "-"),
            ),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            address = json.loads("".join(process.stdout.readline() for _ in range(3)))["address"]
            filled = fill(address)
            with sampled(process.pid) as samples:
                answers = asked(address, len(video) - 1, seconds)
        finally:
            process.terminate()
            process.wait()
        field = load(model).field
        failed = [status for status, _, _ in answers if status != 200]
        wrong = 0
        compared = [answer for answer in answers if answer[0] == 200][::COMPARED]
        for _, t, content in compared:
            seen = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
            wrong += not np.array_equal(seen, next(iter(render(field, [t]))))
    return {
        "clients": CLIENTS, "seconds": seconds, "answers": len(answers), "failed": len(failed),
        "compared": len(compared), "wrong": wrong, "filled_with": filled,
        "peak_mib": max(mib for _, mib in samples),
        "growth_mib_per_1000_answers": round(growth(samples) * seconds / (len(answers) / 1000), 3),
        "samples": samples,
    }  # fmt: skip


@contextmanager
def visitor(address: str) -> Iterator[httpx.Client]:
    """A client that has opened the page, and so may ask."""
    parts = urlsplit(address)
    with httpx.Client(base_url=f"{parts.scheme}://{parts.netloc}", timeout=60) as client:
        client.get(address).raise_for_status()
        yield client


def fill(address: str) -> int:
    """How many pictures it took until the viewer's memory of what it drew was full."""
    count, held = 0, 0
    with visitor(address) as client:
        while held < KEPT_MIB << 20:
            # Another time of the same observed frame is another picture to the viewer, and drawn fast.
            response = client.get("/frame", params={"t": count / FINEST, "what": "before"}).raise_for_status()
            count, held = count + 1, held + len(response.content)
    return count


def asked(address: str, last: int, seconds: float) -> list[tuple[int, float, bytes]]:
    """Status, time and content of each answer that a client had."""
    answers: list[tuple[int, float, bytes]] = []

    def ask(name: int) -> None:
        chosen, end = random.Random(name), time.monotonic() + seconds
        with visitor(address) as client:
            while time.monotonic() < end:
                t = chosen.randrange(last * FINEST) / FINEST
                try:
                    response = client.get("/frame", params={"t": t, "client": f"client{name}"})
                    answers.append((response.status_code, t, response.content))
                except httpx.HTTPError:
                    answers.append((0, t, b""))

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def main() -> None:
    options = arguments(__doc__, part="", frames=10_000, fits=500, seconds=60.0)
    clip, path = options.clips / "walk.mkv", options.output / "soak.json"
    parts = {
        "fits": lambda: many_fits(clip, options.fits),
        "run": lambda: long_run(clip, options.frames),
        "viewer": lambda: many_clients(clip, options.seconds),
    }
    # Before the work, during which the checkout may change.
    content, commit = begun(path), provenance()["commit"]
    for name in [options.part] if options.part else parts:
        content[name] = parts[name]() | {"clip": clip.name, "commit": commit}
        keep(path, content)
        print(name, {key: value for key, value in content[name].items() if key != "samples"}, flush=True)


if __name__ == "__main__":
    main()
