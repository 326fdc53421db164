"""Processor seconds per drawn frame at 1080p, beside FFmpeg's filter and RIFE, all on the same frames.

Every method doubles the frame rate of the same frames, with decoding and encoding (H.264, as ``tweenfield
run`` has it), in a process of its own that is bound to one core. What a longer clip costs is the difference
of two runs, so that imports, the fit and other fixed costs drop out; they are given beside it. A run that the
results file has already isn't made again.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common import ROOT, arguments, begun, keep, table

VIDEOS = ROOT.parent / "shared" / "data" / "videos"
# Clip, first frame.
CLIPS = (("walk_1088x1920_60.mp4", 20), ("bunny_1080p60.mp4", 600), ("bunny_1080p60.mp4", 1000))
# Intervals of the shorter and of the longer run.
INTERVALS = {"draft": (24, 48), "standard": (24, 48), "minterpolate": (12, 24), "rife-4.0": (2, 4)}

_RUN = """
import json, resource, sys
path, first, count, method = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
from tweenfield import *
def used():
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
begun = used()
video = read_video(path, frames=f"{first}:{first + count + 1}")
times, fitted = [k / 2 for k in range(2 * count + 1)], 0.0
if method in ("draft", "standard"):
    before = used()
    recipe = {"draft": draft, "standard": standard}[method]()
    result = fit(video, estimate_flow(video, Dis()), recipe, device="cpu")
    fitted = used() - before
    drawn = render(result.field, times)
else:
    from tweenfield.evaluation.metrics import rounded
    drawn = map(rounded, BASELINES[method](video, None, times))
write_video(sys.argv[5], drawn, rate=2 * video.rate)
print(json.dumps({"imports": begun, "fit": fitted, "total": used(),
                  "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def measure(clip: str, first: int, count: int, method: str) -> dict[str, float]:
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")}
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-c",
            _RUN,
            str(VIDEOS / clip),
            str(first),
            str(count),
            method,
            f"{folder}/o.mp4",
        ]
        done = subprocess.run(
            command,
            capture_output=True,
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
    for clip, first in CLIPS:
        for method, counts in INTERVALS.items():
            name = f"{Path(clip).stem} from {first}, {method}"
            if name in content["runs"] or options.only not in name:
                continue
            short, long = (measure(clip, first, count, method) for count in counts)
            content["runs"][name] = {
                "processor_seconds_per_drawn_frame": (long["total"] - short["total"])
                / (counts[1] - counts[0]),
                "fit_seconds": short["fit"],
                "import_seconds": short["imports"],
                "peak_memory_mib": long["peak_memory_mib"],
                "intervals": counts,
            }
            keep(path, content)
            print(name, content["runs"][name], flush=True)
    rows = [
        (name, *(f"{run[key]:.2f}" for key in ("processor_seconds_per_drawn_frame", "fit_seconds")))
        for name, run in content["runs"].items()
    ]
    print(table(("clip, method", "processor seconds per drawn frame", "of the fit"), rows))


if __name__ == "__main__":
    main()
