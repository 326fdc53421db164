"""Time and memory of the default field over pixels and over frames, each run a process of its own.

The clip is Big Buck Bunny at 1080p from frame 300 on, resized; every run doubles the frame rate.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import ROOT, arguments, save

SIZES = ((120, 180), (240, 360), (480, 720), (1080, 1920))
FRAMES = (11, 21, 41, 81)
# Long and large, where memory is the question: the size and frames of a draft.
DRAFTS = (
    *(((240, 360), frames) for frames in (11, 21, 81, 321)),
    *(((1080, 1920), frames) for frames in (11, 41)),
    ((2160, 3840), 3),
)


def measure(video: str, size: tuple[int, int], frames: int, preset: str) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(str(Path(sys.executable).with_name("tweenfield")), "run", video, "-o", f"{folder}/out.mp4"),
            *("--frames", f"300:{300 + frames}", "--size", "{}x{}".format(*size), "--preset", preset, "-q"),
        ]
        began = time.monotonic()
        process = subprocess.Popen([*command, "--json", f"{folder}/out.json"])
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        if status:
            raise SystemExit(f"failed: {command}")
        drawn = json.loads(Path(folder, "out.json").read_text())["frames"]
    return {
        "size": size,
        "frames": frames,
        "drawn": drawn,
        "preset": preset,
        "seconds": round(seconds, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_memory_mib": round(usage.ru_maxrss / 1024),
    }


def main() -> None:
    options = arguments(__doc__, video=str(ROOT.parent / "shared/data/videos/bunny_1080p60.mp4"))
    runs = [(size, 11, "standard") for size in SIZES]
    runs += [((240, 360), frames, "standard") for frames in FRAMES[1:]]
    runs += [(*draft, "draft") for draft in DRAFTS]
    results = []
    for run in runs:
        results.append(measure(options.video, *run))
        print(results[-1], flush=True)
        save("scaling", options.output, results)


if __name__ == "__main__":
    main()
