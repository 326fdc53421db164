"""``tweenfield run --ray`` on one and on two workers of this machine, and a model of up to 64 workers.

    python benchmarks/ray_scaling.py                 both; writes results/ray_scaling.json
    python benchmarks/ray_scaling.py --part model    the model, from the runs that were measured before

Needs Ray (``pip install 'tweenfield[ray]'``). Each worker is a Ray node of its own with one processor and
tasks of one thread. Pieces are shorter than usual, so that there are several. The time of a task is the time
between two results from one worker. The model of an hour of the video, with pieces of the usual length, is

    T(n) = read + fit + start + ceil(C / n) compare + ceil(P / n) task + received / rate + close

for C stretches that are compared and P pieces. Reading and comparing are processor time for each frame.
Pieces are joined while others are drawn; what is left once the last one is there, to close the file, is
measured with as many pieces as an hour has, all of them copies of one.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}

import math
import statistics
import sys
import tempfile
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from common import ROOT, arguments, begun, keep

from tweenfield.bench.provenance import provenance

VIDEO = ROOT.parent / "shared" / "data" / "videos" / "bunny_1080p60.mp4"
HOUR = 3600


def measured(workers: int, options, frames: str) -> dict:
    """One run on so many workers: when it began, and when its stages ended."""
    from ray.cluster_utils import Cluster as Nodes

    from tweenfield.command.app import main
    from tweenfield.command.cluster import luggage, spread, tasks
    from tweenfield.video import pieces

    pieces._MOST = options.piece
    node = {"object_store_memory": 200 << 20, "memory": 8 << 30, "include_dashboard": False}
    nodes = Nodes(initialize_head=True, head_node_args={**node, "num_cpus": 0})
    for _ in range(workers):
        nodes.add_node(**node, num_cpus=1)
    arrivals: list[float] = []
    sizes: list[int] = []
    sent: list[int] = []
    begun: list[float] = []
    run, pack = tasks.Cluster.run, luggage.pack

    def timed(cluster, work, items, need):
        if not isinstance(work, spread.Pieces):
            yield from run(cluster, work, items, need)
            return
        begun.append(time.monotonic())
        for number, drawn in run(cluster, work, items, need):
            arrivals.append(time.monotonic())
            sizes.append(sum(map(len, drawn.piece.values())))
            yield number, drawn

    def weighed(value):
        packed = pack(value)
        sent.append(len(packed.content))
        return packed

    tasks.Cluster.run, luggage.pack = timed, weighed
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["tweenfield", "run", options.video, "-o", f"{folder}/out.mp4", "--frames", frames]
        sys.argv += ["--size", options.size, "--preset", options.preset, "-q", "--ray", nodes.address]
        began = time.monotonic()
        try:
            main()
        except SystemExit as stop:
            if stop.code:
                raise
        ended = time.monotonic()
    tasks.Cluster.run, luggage.pack = run, pack
    nodes.shutdown()
    gaps = [b - a for a, b in pairwise(arrivals)]
    return {
        "workers": workers,
        "pieces": len(arrivals),
        "seconds_before": begun[0] - began,
        "seconds_drawing": arrivals[-1] - begun[0],
        "seconds_steady": arrivals[-1] - arrivals[workers - 1],
        "seconds_after": ended - arrivals[-1],
        "seconds_per_task": statistics.median(gaps) * workers,
        "bytes_sent_once": max(sent),
        "bytes_received_per_task": statistics.mean(sizes),
    }


def rate_of_results(size: int) -> float:
    """Bytes per second at which a result gets to the driver from another node of this machine."""
    import numpy as np
    import ray
    from ray.cluster_utils import Cluster as Nodes

    node = {"object_store_memory": 400 << 20, "memory": 8 << 30, "include_dashboard": False}
    nodes = Nodes(initialize_head=True, head_node_args={**node, "num_cpus": 0})
    nodes.add_node(**node, num_cpus=1)
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")

    @ray.remote(num_cpus=1)
    def made():
        return np.random.default_rng(0).bytes(size)

    taken = []
    for _ in range(6):
        (ready,), _ = ray.wait([made.remote()], fetch_local=False)
        began = time.monotonic()
        ray.get(ready)
        taken.append(time.monotonic() - began)
    ray.shutdown()
    nodes.shutdown()
    return size / statistics.median(taken[1:])


def seconds_to_close(frames, rate: Fraction, pieces: int, length: int) -> float:
    """From when the last piece is there until the file is whole."""
    from tweenfield import ColorTags, Look
    from tweenfield.video import container_for

    container, size = container_for("out.mp4"), frames.shape[1:3]
    look = Look(rate=rate, color=ColorTags(), sample_aspect_ratio=Fraction(1))
    given: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        piece = Path(folder, "piece")
        container.write_piece(piece, (frames[k % len(frames)] for k in range(length)), look, 0)

        def copies():
            for number in range(pieces):
                given.append(time.monotonic())
                yield number * length, piece

        container.join(Path(folder, "out.mp4"), copies(), pieces * length, size, look)
        return time.monotonic() - given[-1]


def both_runs(options) -> dict:
    """On one and on two workers."""
    load = os.getloadavg()[0]  # of two cores: above 2, other programs ran beside
    runs = [measured(workers, options, f"0:{options.frames}") for workers in (1, 2)]
    one, two = runs
    steady = [run["seconds_steady"] / (run["pieces"] - run["workers"]) for run in (one, two)]
    return {
        "load_before": load, "runs": runs, "efficiency_of_two": steady[0] / steady[1] / 2,
        "commit": provenance()["commit"],
    }  # fmt: skip


def hour(options, runs: list[dict]) -> dict:
    """The model."""
    from tweenfield.command.cluster.spread import _COMPARED
    from tweenfield.video import compared, parse_size, read_video
    from tweenfield.video.pieces import piece_length

    size = parse_size(options.size)
    usual, (one, _) = piece_length(size), runs
    reading, comparing = [], []
    # The least of three, as other programs may run beside.
    for _ in range(3):
        began = time.process_time()
        video = read_video(options.video, frames=f"0:{options.frames}", size=size)
        reading.append(time.process_time() - began)
        intervals = sum(1 for _ in compared(video))
        comparing.append(time.process_time() - began)
    # A long video is decoded again to be compared.
    read, compare = min(reading), min(comparing) / intervals
    frames = round(HOUR * video.rate)
    pieces, stretches = math.ceil(2 * frames / usual), math.ceil(frames / _COMPARED)
    task = one["seconds_per_task"] * usual / options.piece
    size_of_one = one["bytes_received_per_task"] * usual / options.piece
    rate = rate_of_results(round(size_of_one))
    parts = {
        "read": read / len(video) * frames,
        "fit": max(one["seconds_before"] - read - compare * intervals, 0),
        "start": max(one["seconds_drawing"] - one["pieces"] * one["seconds_per_task"], 0),
        "receive": pieces * size_of_one / rate,
        "close": seconds_to_close(video.frames[:], 2 * video.rate, pieces, usual),
    }
    serial, each = sum(parts.values()), compare * _COMPARED

    def seconds(workers: int) -> float:
        return serial + math.ceil(stretches / workers) * each + math.ceil(pieces / workers) * task

    return {
        "read_seconds_per_frame": read / len(video), "compare_seconds_per_frame": compare,
        "bytes_per_second": rate, "usual_frames_per_piece": usual, "pieces": pieces,
        "seconds_per_task": task, "stretches": stretches, "seconds_per_stretch": each, "serial": parts,
        "model": [
            {"workers": n, "seconds": seconds(n), "efficiency": seconds(1) / seconds(n) / n}
            for n in (1, 2, 4, 8, 16, 32, 64)
        ],
        "commit": provenance()["commit"],
    }  # fmt: skip


def main() -> None:
    options = arguments(
        __doc__, part="", video=str(VIDEO), frames=129, size="480x720", preset="draft", piece=32
    )
    path = options.output / "ray_scaling.json"
    content = begun(path) | {
        "video": Path(options.video).name,
        "size": options.size,
        "preset": options.preset,
        "frames": options.frames,
        "frames_per_piece": options.piece,
    }
    if options.part != "model":
        content |= both_runs(options)
    if options.part != "runs":
        content["hour"] = hour(options, content["runs"])
    keep(path, content)
    print(content)


if __name__ == "__main__":
    main()
