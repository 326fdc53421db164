"""Turns what ``tweenfield bench`` left into ``docs/reproduction.md`` and its pictures.

Reads the JSON of each experiment in ``benchmarks/results/bench``:

    tweenfield bench table1 fig3 fig4a fig4b fig4c fig4d fig4e fig7 clips --data CLIPS -o FOLDER
    cp FOLDER/*.json benchmarks/results/bench
"""

import json

from common import RESULTS, ROOT, table

from tweenfield.bench.experiment import Experiment, by_clip, mean
from tweenfield.bench.experiments import EXPERIMENTS

HEAD = """# The paper's claims

<!-- Made by benchmarks/reproduction.py from benchmarks/results/bench; don't edit. -->

Which claims of [arXiv 2206.10886](https://arxiv.org/abs/2206.10886) held in our experiments, and our own
comparison of all methods. Everything was run at the scale `small` on a CPU: smaller networks and pictures
than the paper's, shorter fits, and six clips of our own, as the paper's data were not available. So a
claim that is reproduced held in this small setting, and one that isn't may still hold in the paper's. This
applies to table1 above all: its network is fitted for about a minute and renders even the observed frames
at no more than 29 to 37 dB, so it couldn't win. The paper's own figures aren't given beside ours, as only
its abstract was available. A commit marked dirty had changed files of results, but no changed code.
`patches` in the last table are those of its commit; [results](results.md) have today's.
[Benchmarks](benchmarks.md) explains the scales and has the commands for those who have the data, a GPU and
the paper's flow network."""


def main() -> None:
    runs = {
        name: json.loads(path.read_text())
        for name in EXPERIMENTS
        if (path := RESULTS / "bench" / f"{name}.json").exists()
    }
    parts = [HEAD, claims(runs), *(section(name, EXPERIMENTS[name], run) for name, run in runs.items())]
    (ROOT / "docs" / "reproduction.md").write_text("\n\n".join(parts) + "\n")


def claims(runs: dict[str, dict]) -> str:
    """One line per claim: what it says, what was found, and on what figures that rests."""
    lines = [
        (f"[{name}](#{name})", run["claim"], f"**{verdict['outcome']}**", verdict["because"])
        for name, run in runs.items()
        if (verdict := run["verdict"])
    ]
    return table(("", "the paper's claim, in our words", "found", "figures"), lines)


def section(name: str, experiment: Experiment, run: dict) -> str:
    rows = run["rows"]
    pictures = ROOT / "docs" / "images" / "bench"
    pictures.mkdir(exist_ok=True)
    shown = []
    for number, figure in enumerate(experiment.figures(rows)):
        figure.savefig(pictures / f"{name}-{number}.png", dpi=75)
        shown.append(f"![{experiment.title}](images/bench/{name}-{number}.png)")
    return "\n\n".join(
        (f"## {name}", f"**{experiment.title}.** {experiment.question}", *shown, quality(rows), said(rows))
    )


def quality(rows: list[dict]) -> str:
    """Held-out PSNR of each method on each clip, the best of a clip in bold, then means."""
    clips = by_clip(rows)
    methods = list(dict.fromkeys(row["method"] for row in rows))
    psnr = {(clip, row["method"]): mean(row["psnr"]) for clip, mine in clips.items() for row in mine}
    best = {clip: max(psnr[clip, method] for method in methods) for clip in clips}
    lines = []
    for method in methods:
        mine = [row for row in rows if row["method"] == method]
        values = [
            f"**{psnr[clip, method]:.2f}**"
            if psnr[clip, method] == best[clip]
            else f"{psnr[clip, method]:.2f}"
            for clip in clips
        ]
        means = [
            f"{mean(psnr[clip, method] for clip in clips):.2f}",
            f"{mean(mean(row['ssim']) for row in mine):.4f}",
            f"{mean(sum(s for stage, s in row['seconds'].items() if stage != 'flow') for row in mine):.1f}",
        ]
        lines.append((method, *values, *means))
    return table(("held-out PSNR (dB)", *clips, "mean", "SSIM", "seconds"), lines)


def said(rows: list[dict]) -> str:
    """On what the figures were measured."""
    row, machine = rows[0], rows[0]["provenance"]
    height, width = row["size"]
    commits = ", ".join(sorted({str(row["provenance"]["commit"]) for row in rows}))
    return (
        f"Protocol `{row['protocol']}`, flow {row['flow']}, {row['observed']} observed frames of "
        f"{height}x{width}, one of every {row['stride']}; means over clips; seconds for fit and drawing, "
        f"{machine['threads']} thread on {machine['cores']} cores ({machine['processor']}) that other "
        f"programs used too; commit {commits}."
    )


if __name__ == "__main__":
    main()
