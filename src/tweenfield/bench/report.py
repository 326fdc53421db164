"""One HTML file that opens offline: tables, plots, pictures, settings of all experiments in a folder."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

from tweenfield.bench.cells import Row, Store
from tweenfield.bench.experiment import CLIPS_SHOWN, Experiment, Scale, by_clip, mean
from tweenfield.bench.experiments import EXPERIMENTS
from tweenfield.evaluation.page import data, environment, plotted, svg
from tweenfield.storage.atomic import atomic_output

# Columns of the tables, their heading, the digits shown, and whether more is better, if either is.
_COLUMNS = (
    ("psnr", "held-out PSNR (dB)", 2, True),
    ("ssim", "held-out SSIM", 4, True),
    ("lpips", "held-out LPIPS", 4, False),
    ("psnr_observed", "observed PSNR (dB)", 2, True),
    ("seconds", "seconds", 1, None),
    ("peak_memory_mib", "MiB", 0, None),
)
# Those that are measured on each held-out frame.
_QUALITY = ("psnr", "ssim", "lpips")


def write_report(store: Store, experiments: dict[str, dict[str, Any]]) -> Path:
    """Write ``report.html`` beside the results.

    Args:
        store: where the results are.
        experiments: for each finished experiment its scale, data, and rows.

    Returns:
        The path of the report.

    Raises:
        OutputError: it can't be written.
    """
    path = store.folder / "report.html"
    html = (
        environment("tweenfield.bench")
        .get_template("report.html.j2")
        .render(sections=[_section(store, EXPERIMENTS[name], name, run) for name, run in experiments.items()])
    )
    with atomic_output(path) as temporary:
        temporary.write_text(html)
    return path


def summary(experiment: Experiment, scale: Scale, rows: list[Row]) -> dict[str, Any]:
    """What an experiment found, as plain values: its table and, where a claim is checked, the verdict.

    At the scale ``tiny`` nothing is fitted long enough to judge by.
    """
    verdict = experiment.check(rows) if experiment.check and scale != "tiny" else None
    return {
        "claim": experiment.claim,
        "verdict": None if verdict is None else {"outcome": verdict.outcome, "because": verdict.because},
        "table": [
            {"dataset": r["dataset"], "clip": r["clip"], "method": r["method"], **_values(r)} for r in rows
        ],
    }


def _section(store: Store, experiment: Experiment, name: str, run: dict[str, Any]) -> dict[str, Any]:
    rows = run["rows"]
    sources = {json.dumps(row["provenance"], sort_keys=True): row["provenance"] for row in rows}
    return {
        "name": name,
        "experiment": experiment,
        "run": run,
        "protocols": sorted({row["protocol"] for row in rows}),
        "flows": sorted({row["flow"] for row in rows}),
        "means": _means(rows),
        "tables": [
            {"clip": clip, "flow_seconds": mine[0]["seconds"]["flow"], "table": _table(mine)}
            for clip, mine in list(by_clip(rows).items())[:CLIPS_SHOWN]
        ],
        "clips": len(by_clip(rows)),
        "figures": [svg(figure) for figure in experiment.figures(rows)],
        "pictures": _pictures(store, name, rows),
        "settings": {row["method"]: row["settings"] for row in rows},
        "provenance": list(sources.values()),
    }


def _values(row: Row) -> dict[str, float]:
    values: dict[str, float] = {
        name: row[name] for name in ("psnr_observed", "peak_memory_mib") if name in row
    }
    return {
        **values,
        **{name: mean(row[name]) for name in _QUALITY if name in row},
        "seconds": sum(seconds for stage, seconds in row["seconds"].items() if stage != "flow"),
    }


def _table(rows: list[Row]) -> dict[str, Any]:
    """Headings and lines of cells (text, whether it is the best of its column)."""
    values = [_values(row) for row in rows]
    columns = [column for column in _COLUMNS if any(column[0] in v for v in values)]
    best = {
        name: (max if more else min)(v[name] for v in values if name in v)
        for name, _, _, more in columns
        if more is not None
    }
    return {
        "headings": [heading for _, heading, _, _ in columns],
        "lines": [
            (
                row["method"],
                [
                    (f"{v[name]:.{digits}f}" if name in v else "", name in v and v[name] == best.get(name))
                    for name, _, digits, _ in columns
                ],
            )
            for row, v in zip(rows, values, strict=True)
        ],
    }


def _means(rows: list[Row]) -> dict[str, Any]:
    """PSNR, SSIM and LPIPS of each method, mean over the clips of each data set."""
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    digits = {name: shown for name, _, shown, _ in _COLUMNS}
    more = {name: better for name, *_, better in _COLUMNS}
    quality: dict[tuple[str, str, str], float] = {}
    for dataset in datasets:
        for method in methods:
            mine = [row for row in rows if (row["dataset"], row["method"]) == (dataset, method)]
            for name in _QUALITY:
                if found := [mean(row[name]) for row in mine if name in row]:
                    quality[method, dataset, name] = mean(found)
    columns = {(dataset, name) for _, dataset, name in quality}
    keys = [key for key in product(datasets, _QUALITY) if key in columns]
    best = {
        key: (max if more[key[1]] else min)(
            value for (_, *other), value in quality.items() if tuple(other) == key
        )
        for key in keys
    }
    return {
        "headings": [f"{dataset} {name.upper()}" for dataset, name in keys],
        "lines": [
            (
                method,
                [
                    (f"{value:.{digits[key[1]]}f}", value == best[key])
                    if (value := quality.get((method, *key))) is not None
                    else ("", False)
                    for key in keys
                ],
            )
            for method in methods
        ],
    }


def _pictures(store: Store, section: str, rows: list[Row]) -> list[dict[str, Any]]:
    """For each of the first clips, the frame where most moves: the truth, and each method's and its error."""
    found: list[dict[str, Any]] = []
    for clip, mine in by_clip(row for row in rows if row["shown"] is not None).items():
        k, place = mine[0]["shown"], f"{section}-{len(found)}"
        found.append(
            {
                "id": place,
                "choices": [
                    *((row["method"], f"{place}-{n}-drawn") for n, row in enumerate(mine)),
                    ("truth", f"{place}-truth"),
                    *((f"error of {row['method']}", f"{place}-{n}-error") for n, row in enumerate(mine)),
                ],
                "plot": plotted(
                    {row["method"]: zip(row["indices"], row["psnr"], strict=True) for row in mine},
                    axis="frame",
                ),
                "clip": clip,
                "frame": mine[0]["indices"][k],
                "motion": mine[0]["motion"][k],
                "size": mine[0]["size"],
                "truth": _image(store, mine[0]["key"], "truth"),
                "methods": [
                    {
                        "id": f"{place}-{n}",
                        "name": row["method"],
                        "psnr": row["psnr"][k],
                        "drawn": _image(store, row["key"], "drawn"),
                        "error": _image(store, row["key"], "error"),
                    }
                    for n, row in enumerate(mine)
                ],
            }
        )
    return found


def _image(store: Store, key: str, kind: str) -> str:
    return data(store.picture(f"{key}-{kind}"), "image/webp")
