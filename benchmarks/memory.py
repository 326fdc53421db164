"""Resident size of ``tweenfield run`` over time, while it doubles the rate of a long 1080p video.

Linux only: it is read from /proc once a second. Nothing else is written beside the output; the largest other
file in its folder is noted, too.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import ROOT, arguments, keep

VIDEO = ROOT.parent / "shared" / "data" / "videos" / "bunny_1080p60.mp4"


def resident_mib(process: int) -> float | None:
    """None once the process has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(found[0]) / 1024 if found else None


def main() -> None:
    options = arguments(__doc__, video=str(VIDEO), frames=1200, preset="draft")
    samples: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        target, most_files = Path(folder, "out.mp4"), 0
        process = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("tweenfield")), "run", options.video, "-o", str(target)),
                *("--frames", f"0:{options.frames}", "--preset", options.preset, "-q"),
            ]
        )
        began = time.monotonic()
        while process.poll() is None:
            resident = resident_mib(process.pid)
            if resident is not None:
                samples.append((round(time.monotonic() - began, 1), round(resident)))
            most_files = max(most_files, len(list(Path(folder).iterdir())))
            time.sleep(1)
        if process.returncode:
            raise SystemExit(f"tweenfield run ended with {process.returncode}")
        written = target.stat().st_size
    content = {
        "video": Path(options.video).name,
        "frames": options.frames,
        "preset": options.preset,
        "seconds": samples[-1][0],
        "peak_mib": max(resident for _, resident in samples),
        "output_bytes": written,
        "files_at_once": most_files,
        "samples": samples,
    }
    keep(options.output / "memory.json", content)
    print(content["seconds"], "s, peak", content["peak_mib"], "MiB")


if __name__ == "__main__":
    main()
