"""The demo behind ``make demo``: every second frame of the bundled clip is held out and drawn."""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
RESULT = HERE.parent / "demo-out"


def main() -> int:
    shutil.rmtree(RESULT, ignore_errors=True)
    command = [
        *(Path(sys.executable).with_name("tweenfield"), "eval", HERE / "bunny.mp4", "--stride", "2"),
        *("-o", RESULT),
    ]
    print("$ tweenfield", *command[1:], "\n", flush=True)
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        print("\nLook at these:")
        for name, what in [
            ("drawn.mp4", "the clip as the field draws it, held-out frames included"),
            ("comparison.png", "observed, drawn, held-out frame, error map"),
            ("plots.png", "quality of every held-out frame, and the fit"),
        ]:
            print(f"  {RESULT / name}  {what}")
    return status


if __name__ == "__main__":
    sys.exit(main())
