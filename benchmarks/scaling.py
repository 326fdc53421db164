"""Time and memory over pixels and over frames, each run a process of its own, with the default field.

The clip is Big Buck Bunny at 1080p from frame 300 on, resized; every run doubles the frame rate. Runs have
one thread, so that other programs disturb them less; only what the README states has all cores, which should
be idle. A run that the results file has already is not made again; remove the file to start over.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from common import ROOT, arguments, begun, keep

from tweenfield.bench.provenance import provenance

SIZES = ((120, 180), (240, 360), (480, 720), (1080, 1920))
FRAMES = (11, 21, 41, 81)
# Long and large, where memory is the question: the size and frames of a draft.
DRAFTS = (
    *(((240, 360), frames) for frames in (11, 21, 81, 321)),
    *(((1080, 1920), frames) for frames in (11, 41)),
    ((2160, 3840), 3),
)
# What the README states, with all cores: size, frames, preset, field, and how often; the median counts.
STATED = (
    ((240, 360), 21, "standard", "transport", 3),
    ((240, 360), 21, "draft", "transport", 3),
    ((240, 360), 21, "standard", "patches", 1),
)


def measure(
    video: str, size: tuple[int, int], frames: int, preset: str, field: str, all_cores: bool
) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(str(Path(sys.executable).with_name("tweenfield")), "run", video, "-o", f"{folder}/out.mp4"),
            *("--frames", f"300:{300 + frames}", "--size", "{}x{}".format(*size), "--preset", preset),
            *("--field", field, "-q"),
        ]
        environment = os.environ if all_cores else {**os.environ, "OMP_NUM_THREADS": "1"}
        began = time.monotonic()
        process = subprocess.Popen([*command, "--json", f"{folder}/out.json"], env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        if status:
            raise SystemExit(f"failed: {command}")
        drawn = json.loads(Path(folder, "out.json").read_text())["frames"]
    return {
        "drawn": drawn,
        "seconds": round(seconds, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_memory_mib": round(usage.ru_maxrss / 1024),
        "commit": provenance()["commit"],
    }


def main() -> None:
    options = arguments(__doc__, video=str(ROOT.parent / "shared/data/videos/bunny_1080p60.mp4"))
    path = options.output / "scaling.json"
    content = begun(path, runs={})
    runs = [(*stated, True) for stated in STATED]
    runs += [(size, 11, "standard", "transport", 1, False) for size in SIZES]
    runs += [((240, 360), frames, "standard", "transport", 1, False) for frames in FRAMES[1:]]
    runs += [(*draft, "draft", "transport", 1, False) for draft in DRAFTS]
    for size, frames, preset, field, times, all_cores in runs:
        name = "{2} {0}x{1}, {3} frames".format(*size, preset, frames) + ", all cores" * all_cores
        if field != "transport":
            name = f"{field}, {name}"
        if name in content["runs"]:
            continue
        made = [measure(options.video, size, frames, preset, field, all_cores) for _ in range(times)]
        content["runs"][name] = {
            key: value if isinstance(value, str) else median(run[key] for run in made)
            for key, value in made[0].items()
        }
        content["runs"][name] |= {"preset": preset, "size": size, "frames": frames, "all_cores": all_cores}
        content["runs"][name]["megapixels"] = size[0] * size[1] / 1e6
        keep(path, content)
        print(name, content["runs"][name], flush=True)


if __name__ == "__main__":
    main()
