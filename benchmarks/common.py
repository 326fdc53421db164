"""What benchmarks share: where the clips are, what the machine is, the JSON and the tables they leave."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tweenfield import Video
from tweenfield.bench.provenance import provenance
from tweenfield.evaluation.score import score

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


def begun(path: Path, **empty: object) -> dict:
    """What a results file has already, to go on from, or ``empty`` where there is no file."""
    return json.loads(path.read_text()) if path.exists() else empty


def keep(path: Path, content: dict) -> None:
    """Leave all there is so far, with the machine."""
    content["machine"] = provenance()
    path.write_text(json.dumps(content, indent=1) + "\n")


def mean_psnr(drawn: Iterable[np.ndarray], truth: Video) -> float:
    """Mean over frames in dB, protocol ``tweenfield``."""
    return float(np.mean(score(drawn, truth).psnr))


def busiest(change: np.ndarray, size: tuple[int, int], step: int) -> tuple[slice, slice]:
    """The rows and columns of a part of this size that changes most, on a grid of ``step`` pixels."""
    (height, width), (rows, columns) = size, change.shape
    places = [(y, x) for y in range(0, rows - height + 1, step) for x in range(0, columns - width + 1, step)]
    y, x = max(places, key=lambda p: change[p[0] : p[0] + height, p[1] : p[1] + width].mean())
    return slice(y, y + height), slice(x, x + width)


def table(headings: Iterable[object], lines: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    headings = list(headings)
    rows = ["| " + " | ".join(map(str, line)) + " |" for line in (headings, *lines)]
    return "\n".join([rows[0], "|" + "---|" * len(headings), *rows[1:]])


def save(name: str, folder: Path, results: object, **settings: object) -> None:
    """Leave ``name``.json with the results, the settings and the machine."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"benchmark": name, "settings": settings, "machine": provenance(), "results": results}
    (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    print(f"written: {folder / name}.json")
