"""What every benchmark shares: where the clips are, what the machine is, and the JSON it leaves."""

import argparse
import json
import os
import platform
import subprocess
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"


def arguments(description: str, **defaults: object) -> argparse.Namespace:
    """--clips and -o, and whatever a benchmark adds as ``name=default``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--clips", type=Path, default=ROOT.parent / "shared" / "data" / "clips")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser.parse_args()


def save(name: str, folder: Path, results: object, **settings: object) -> None:
    """Leave ``name``.json with the results, the settings and the machine."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"benchmark": name, "settings": settings, "machine": machine(), "results": results}
    (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    print(f"written: {folder / name}.json")


def machine() -> dict[str, object]:
    """Enough to tell whether two figures may be compared."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "commit": commit.stdout.strip(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return names[0].partition(":")[2].strip() if names else platform.processor()
