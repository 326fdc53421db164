"""Turns results on time and memory into ``docs/costs.md`` and its pictures.

Reads what ``real_size.py``, ``memory.py``, ``soak.py``, ``scaling.py``, ``time_to_quality.py`` and
``step_cost.py`` left.
"""

import json
from collections import Counter

import numpy as np
from common import RESULTS, ROOT, table
from matplotlib.figure import Figure

from tweenfield.bench.experiment import logarithmic

IMAGES = ROOT / "docs" / "images"
COLORS = {"standard": "#c2410c", "draft": "#1d4ed8"}
RECIPES = {
    "paper": "siren, the paper's recipe cut short, 20 frames over [-1, 1]",
    "paper, crop over [-1, 1]": "the same, the crop's 6 frames over [-1, 1]",
    "patches": "patches, standard",
}
SOAKS = {
    "run": """- `tweenfield run --preset draft` over {frames} frames of 64x96, {drawn} drawn:
  {peak_mib:.0f} MiB at most, and {growth_mib_per_1000_frames:+.1f} MiB per 1000 frames of the input.""",
    "fits": """- {fits} fits (`draft`, 5 frames of 48x64, each with its flow and one drawn frame) in one
  Python process: {peak_mib:.0f} MiB at most, and {growth_mib_per_100_fits:+.1f} MiB per 100 fits.""",
    "viewer": """- `tweenfield view` asked by {clients} clients at once for {seconds:.0f} s, 120x180, after
  its memory of pictures was filled: {answers} answers, {failed} failed; of {compared} compared with what
  `render` draws, {wrong} differed. {peak_mib:.0f} MiB at most,
  and {growth_mib_per_1000_answers:+.1f} MiB per 1000 answers.""",
}

PAGE = """# Time and memory

<!-- Made by benchmarks/costs.py from benchmarks/results; don't edit. -->

## Real sizes, beside other methods

![Processor seconds per drawn frame over the pixels of a frame, and PSNR over them](images/real_size.png)

What each further drawn frame costs when the frame rate is doubled, in processor seconds on one core, decoding
and encoding included; what the fit costs besides, once for a clip of any length; peak memory; and the PSNR of
every second of 21 frames, drawn from the others. Other programs ran on the other core, which makes times
differ between runs, those of the fit by a third. `benchmarks/real_size.py` measures it.

{real}

![Resident size over time](images/memory.png)

Memory doesn't grow with the length of a video: {memory_frames} frames of 1080p, `{memory_preset}`, took
{memory_minutes} minutes on two cores, shared with other programs, and {memory_peak} MiB at most. Nothing is
written beside the output. `benchmarks/memory.py` measures it.

## Over a long time

![Resident size over a long run, over fits in one process, and of a viewer](images/soak.png)

{soak}

Growth is that of a straight line through the second half of the samples. `benchmarks/soak.py` measures it.

## Pixels and frames

![Seconds and memory over pixels and over frames; the dashed lines are proportional](images/costs.png)

`tweenfield run` with `transport` on *Big Buck Bunny*, resized, the frame rate doubled, each run a process
of its own, with flow, fit, rendering and encoding. Processor seconds on one thread, as other programs ran
too; commits {commits}, which is before pictures above 250,000 pixels had smaller maps and the fit a cheaper
network: the section above has what large pictures cost now. The dashed lines are proportional to pixels or
frames: the fit costs the same for any clip, the rest grows in proportion.

{runs}

With all {cores} cores of the machine idle, flow, fit, rendering and encoding together, median of three runs
(`patches`: one):

{stated}

## Quality over time

![Held-out PSNR over seconds of the fit](images/time_to_quality.png)

Crops of 64x96 and 11 frames where observed frames change most, every second observed: the preset `paper` with
{epochs} epochs of batches of {points} points in place of 15000 of 65536, against `patches` with its preset
`standard`. The paper doesn't state the length of an interval in the network's time. In the preset it is as
long as with 20 frames spread over [-1, 1]; the second recipe spreads the six observed frames of the crop in
this way. One thread; without the time for scoring.

{curves}

## A step of the network

Time of a step with the constraint over one without, by one forward tangent (ours) and by three reverse
passes, and its rate as a share of that of a plain matrix product of the same shapes:

{steps}"""


def main() -> None:
    content = json.loads((RESULTS / "scaling.json").read_text())
    scaling, machine = content["runs"], content["machine"]
    quality = json.loads((RESULTS / "time_to_quality.json").read_text())
    steps = json.loads((RESULTS / "step_cost.json").read_text())["results"]
    real = json.loads((RESULTS / "real_size.json").read_text())["runs"]
    memory = json.loads((RESULTS / "memory.json").read_text())
    draw_costs(scaling)
    draw_quality(quality["results"])
    draw_real_size(real)
    draw_memory(memory)
    soak = json.loads((RESULTS / "soak.json").read_text())
    draw_soak(soak)
    page = PAGE.format(
        real=table(
            ("frames, method", "seconds per drawn frame", "seconds of the fit", "peak MiB", "PSNR in dB"),
            [
                (
                    name,
                    f"{run['processor_seconds_per_drawn_frame']:.2f}",
                    f"{run['fit_seconds']:.1f}" if run["fit_seconds"] else "",
                    round(run["peak_memory_mib"]),
                    f"{run['psnr_held_out']:.2f}" if "psnr_held_out" in run else "",
                )
                for name, run in real.items()
            ],
        ),
        memory_frames=memory["frames"],
        memory_preset=memory["preset"],
        memory_minutes=round(memory["seconds"] / 60),
        memory_peak=memory["peak_mib"],
        soak="\n".join(SOAKS[part].format(**soak[part]) for part in SOAKS if part in soak),
        commits=", ".join(sorted({run["commit"] for run in scaling.values()})),
        runs=table(
            ("run", "drawn", "processor seconds", "MiB"),
            [
                (name, run["drawn"], round(run["processor_seconds"]), run["peak_memory_mib"])
                for name, run in scaling.items()
                if not run["all_cores"]
            ],
        ),
        cores=machine["cores"],
        stated=table(
            ("run", "drawn", "seconds", "MiB"),
            [
                (name.removesuffix(", all cores"), run["drawn"], run["seconds"], run["peak_memory_mib"])
                for name, run in scaling.items()
                if run["all_cores"]
            ],
        ),
        epochs=quality["settings"]["epochs"],
        points=quality["settings"]["points"],
        curves=table(
            ("crop", "recipe", "ends at", "after", "patches reach that after", "and end at"),
            [
                against(quality["results"], clip, recipe)
                for clip in clips(quality["results"])
                for recipe in RECIPES
                if recipe != "patches"
            ],
        ),
        steps=table(
            ("width x layers, points", "tangent", "three reverse passes", "share of a matrix product's rate"),
            [
                (
                    f"{s['width']} x {s['depth']}, {s['points']}",
                    f"{s['over_plain']['tangent']:.2f}",
                    f"{s['over_plain']['three_reverse']:.1f}",
                    f"{s['share_of_product_rate']['tangent']:.0%}",
                )
                for s in steps
            ],
        ),
    )
    (ROOT / "docs" / "costs.md").write_text(page + "\n")


def draw_costs(runs: dict[str, dict]) -> None:
    """Seconds and memory of the runs that differ in size alone, and in length alone."""
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    (seconds_size, seconds_length), (memory_size, memory_length) = figure.subplots(2, 2)
    for preset, color in COLORS.items():
        mine = [run for run in runs.values() if run["preset"] == preset and not run["all_cores"]]
        sizes = [(run["megapixels"], run) for run in mine if run["frames"] == 11]
        lengths = [(run["frames"], run) for run in mine if run["size"] == [240, 360]]
        for points, seconds, memory in (
            (sizes, seconds_size, memory_size),
            (lengths, seconds_length, memory_length),
        ):
            x, made = zip(*sorted(points, key=lambda point: point[0]), strict=True)
            spent = [run["processor_seconds"] for run in made]
            seconds.plot(x, spent, marker="o", color=color, label=preset)
            seconds.plot(x, spent[-1] * np.array(x) / x[-1], "--", color=color, linewidth=0.8)
            memory.plot(x, [run["peak_memory_mib"] for run in made], marker="o", color=color, label=preset)
    for axes, unit in ((seconds_size, "processor seconds"), (seconds_length, "processor seconds")):
        axes.set(ylabel=unit, yscale="log")
    for axes in (memory_size, memory_length):
        axes.set(ylabel="peak memory (MiB)", ylim=(0, None))
    for axes in (seconds_size, memory_size):
        axes.set(xlabel="megapixels of a frame, 11 frames")
    for axes in (seconds_length, memory_length):
        axes.set(xlabel="observed frames of 240x360")
    for axes in (seconds_size, seconds_length, memory_size, memory_length):
        logarithmic(axes)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(IMAGES / "costs.png", dpi=90)


def draw_real_size(runs: dict[str, dict]) -> None:
    """Cost over pixels of every method, and its quality over cost at 240x360 and 1080p."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    over_pixels, over_cost = figure.subplots(1, 2)
    # Means are those of frames that every method has drawn.
    drawn_by = Counter(name.rpartition(", ")[0] for name in runs)
    common = {case for case, count in drawn_by.items() if count == max(drawn_by.values())}
    runs = {name: run for name, run in runs.items() if name.rpartition(", ")[0] in common}
    for method in dict.fromkeys(run["method"] for run in runs.values()):
        mine = [run for run in runs.values() if run["method"] == method]
        sizes = sorted({run["megapixels"] for run in mine})
        spent = [
            np.mean([r["processor_seconds_per_drawn_frame"] for r in mine if r["megapixels"] == size])
            for size in sizes
        ]
        (line,) = over_pixels.plot(sizes, spent, marker="o", label=method)
        for megapixels, marker in ((0.086, "s"), (2.074, "o")):
            points = [
                (run["processor_seconds_per_drawn_frame"], run["psnr_held_out"])
                for run in mine
                if run["megapixels"] == megapixels
            ]
            if points:
                over_cost.plot(*np.mean(points, axis=0), marker=marker, color=line.get_color())
    over_pixels.set(xlabel="megapixels of a frame", ylabel="processor seconds per drawn frame", yscale="log")
    over_cost.set(
        title="circles: 1080p, squares: 240x360",
        xlabel="processor seconds per drawn frame",
        ylabel="held-out PSNR (dB)",
    )
    for axes in (over_pixels, over_cost):
        logarithmic(axes)
        axes.grid(alpha=0.3)
    over_pixels.legend()
    figure.savefig(IMAGES / "real_size.png", dpi=100)


def draw_memory(memory: dict) -> None:
    """Resident size over the time of one run."""
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*memory["samples"], strict=True), linewidth=1, color=COLORS["draft"])
    axes.set(
        xlabel=f"seconds; {memory['frames']} frames of 1080p, {memory['preset']}",
        ylabel="resident size (MiB)",
        ylim=(0, None),
    )
    axes.grid(alpha=0.3)
    figure.savefig(IMAGES / "memory.png", dpi=100)


def draw_soak(soak: dict) -> None:
    """Resident size over a long run, over fits, and of a viewer, as far as they were measured."""
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    titles = {"run": "run: seconds", "fits": "fits in one process", "viewer": "viewer, 20 clients: seconds"}
    measured = [part for part in titles if part in soak]
    for axes, part in zip(figure.subplots(1, len(measured), squeeze=False)[0], measured, strict=True):
        axes.plot(*zip(*soak[part]["samples"], strict=True), linewidth=1, color=COLORS["draft"])
        axes.set(xlabel=titles[part], ylabel="resident size (MiB)", ylim=(0, None))
        axes.grid(alpha=0.3)
    figure.savefig(IMAGES / "soak.png", dpi=100)


def clips(fits: list[dict]) -> list[str]:
    return list(dict.fromkeys(fit["clip"] for fit in fits))


def curve(fits: list[dict], clip: str, recipe: str) -> list[dict]:
    (found,) = (fit["curve"] for fit in fits if (fit["clip"], fit["recipe"]) == (clip, recipe))
    return found


def against(fits: list[dict], clip: str, recipe: str) -> tuple[str, ...]:
    """Where both end, and when patches are as good as the other's end."""
    patches, end = curve(fits, clip, "patches"), curve(fits, clip, recipe)[-1]
    reached = next((point["seconds"] for point in patches if point["psnr"] >= end["psnr"]), None)
    when = "never" if reached is None else f"{reached:.1f} s, 1/{end['seconds'] / reached:.0f}"
    return (
        clip,
        recipe,
        f"{end['psnr']:.1f} dB",
        f"{end['seconds']:.0f} s",
        when,
        f"{patches[-1]['psnr']:.1f} dB",
    )


def draw_quality(fits: list[dict]) -> None:
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    names = clips(fits)
    for axes, clip in zip(figure.subplots(1, len(names), sharex=True), names, strict=True):
        for recipe, name in RECIPES.items():
            points = curve(fits, clip, recipe)
            axes.plot([p["seconds"] for p in points], [p["psnr"] for p in points], marker=".", label=name)
        axes.set(title=clip, xlabel="seconds of the fit", ylabel="held-out PSNR (dB)")
        logarithmic(axes)
        axes.grid(alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(IMAGES / "time_to_quality.png", dpi=110)


if __name__ == "__main__":
    main()
