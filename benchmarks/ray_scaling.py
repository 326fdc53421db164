"""``tweenfield run --ray`` on one and on two workers of this machine, and a model of up to 64 workers.

Needs Ray (``pip install 'tweenfield[ray]'``). Each worker is a Ray node of its own with one processor and
tasks of one thread. Pieces are shorter than usual, so that there are several. The time of a task is the time
between two results from one worker. The model of an hour of the video, with pieces of the usual length, is

    T(n) = survey + fit + start + ceil(P / n) task + received / rate + join

with survey, join and the rate at which results arrive in proportion to what was measured.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}

import math
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from common import ROOT, arguments, keep

VIDEO = ROOT.parent / "shared" / "data" / "videos" / "bunny_1080p60.mp4"
HOUR = 3600


def measured(workers: int, options, frames: str) -> dict:
    """One run on so many workers: when it began, and when its stages ended."""
    from ray.cluster_utils import Cluster as Nodes

    from tweenfield.command.app import main
    from tweenfield.command.cluster import luggage, tasks
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


def main() -> None:
    options = arguments(__doc__, video=str(VIDEO), frames=129, size="480x720", preset="draft", piece=32)
    from tweenfield.video import parse_size, read_video
    from tweenfield.video.pieces import piece_length

    usual = piece_length(parse_size(options.size))
    began = time.process_time()
    video = read_video(options.video, frames=f"0:{options.frames}", size=parse_size(options.size))
    survey = (time.process_time() - began) / len(video)
    runs = [measured(workers, options, f"0:{options.frames}") for workers in (1, 2)]
    one, two = runs
    drawn = one["pieces"] * options.piece
    rate = rate_of_results(round(one["bytes_received_per_task"] * usual / options.piece))
    frames = round(HOUR * video.rate)
    pieces = math.ceil(2 * frames / usual)
    task = one["seconds_per_task"] * usual / options.piece
    received = pieces * one["bytes_received_per_task"] * usual / options.piece
    parts = {
        "survey": survey * frames,
        "fit": max(one["seconds_before"] - survey * len(video), 0),
        "start": max(one["seconds_drawing"] - one["pieces"] * one["seconds_per_task"], 0),
        "receive": received / rate,
        "join": one["seconds_after"] * 2 * frames / drawn,
    }
    serial = sum(parts.values())
    model = []
    for workers in (1, 2, 4, 8, 16, 32, 64):
        seconds = serial + math.ceil(pieces / workers) * task
        alone = serial + pieces * task
        model.append({"workers": workers, "seconds": seconds, "efficiency": alone / seconds / workers})
    content = {
        "video": Path(options.video).name,
        "size": options.size,
        "preset": options.preset,
        "frames": options.frames,
        # Of two cores: above 2, other programs ran beside.
        "load_before": os.getloadavg()[0],
        "frames_per_piece": options.piece,
        "usual_frames_per_piece": usual,
        "survey_seconds_per_frame": survey,
        "bytes_per_second": rate,
        "runs": runs,
        "efficiency_of_two": one["seconds_steady"]
        / (one["pieces"] - 1)
        / (two["seconds_steady"] / (two["pieces"] - 2))
        / 2,
        "hour": {"pieces": pieces, "seconds_per_task": task, "serial": parts, "model": model},
    }
    keep(options.output / "ray_scaling.json", content)
    print(content)


if __name__ == "__main__":
    main()
