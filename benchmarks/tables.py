"""Turns results into ``docs/results.md``: every method on every clip, and what parts of transport bring."""

import json

from common import RESULTS, ROOT, table
from suite import by_motion, listing, summary

HEAD = """# Results

<!-- Made by benchmarks/tables.py from benchmarks/results; don't edit. -->

Six clips of 240x360, 41 frames each, every method on the same held-out frames. No fit and no flow was
given a held-out frame. All clips have the same settings of `transport`, but these were chosen by the
scores on the six clips together: expect a somewhat smaller gain elsewhere, and measure it with `eval`.
RIFE's networks were trained on other videos; everything else uses the clip alone. The highest of each
column is bold. The commit behind each figure is in `benchmarks/results` of the repository."""

WINDOWS = """## On windows that no setting was chosen on

`benchmarks/suite.py` cuts windows of 41 frames from all videos at hand, at their own size, cropped to
540x960, or at 240x360, some made from others by fades and by changing light. They are in two halves that
share no shot. Settings are chosen on the other half, and in earlier versions on the six clips above, three
of which are here too. Every second frame is held out; motion is in pixels between observed frames. The
best peer is the best of nine: blend, cubic, three warps, two modes of minterpolate, two networks of RIFE.
The table has the gain of the presets `draft` and `standard` of `transport` over it in dB, and the difference
to the highest SSIM of the nine:"""

OTHER_STRIDES = """All windows together, with every second frame held out (stride 2), three of four (4)
and seven of eight (8). Where things move by many pixels no method draws well, and at stride 8
`transport` has lost its lead. `standard with rife` is `--with rife`: RIFE is mixed in as far as it is
better on hidden frames:"""

PICTURES = """## Best and worst

![Held-out frames where transport gains and loses most against the plain warp](images/best_and_worst.png)

The frames, two clips each, where `transport` gains and loses most against the plain warp, three of
four frames held out. A hard cut in bikes gives the best and the worst of them: a quarter of the way
into that interval the first scene is right, in the middle it is wrong.

## What each part is worth

`transport` with one part changed at a time, PSNR in dB. Fits are shorter than `standard`: 200 steps
of 6 crops. Made by `benchmarks/ablation.py`; the [method page](method.md#transport) explains the rows.
Compare the last row with the one above it. The four cautions are: still candidates where the flows
disagree; truth mixed with the base mixture where confidence in a hidden frame is low; 80% of the learned
correction in rendering; no correction where candidates agree. One by one they make little difference in a
short fit. In a long fit all four together gain on five of six clips and lose on bunny_a."""
SHOWN = ("blend", "cubic", "warp DIS", "warp DeepFlow", "4-frame warp, cubic", "4-frame warp, average")
GROUPS = {"minterpolate, best mode": "minterpolate", "RIFE, better of two": "RIFE"}


def rows(cells: dict, figure: str) -> dict[str, list[float]]:
    """Method to one value per clip; the modes of one program as the best of them on that clip."""
    table = {name: [clip[name][figure] for clip in cells.values()] for name in SHOWN}
    for name, start in GROUPS.items():
        table[name] = [
            max(c[figure] for m, c in clip.items() if m.startswith(start)) for clip in cells.values()
        ]
    table["best of all these, per clip"] = [max(values) for values in zip(*table.values(), strict=True)]
    for name in ("siren draft", "patches", "transport draft", "transport"):
        if all(name in clip for clip in cells.values()):
            table[name] = [clip[name][figure] for clip in cells.values()]
    return table


def markdown(cells: dict, motion: dict[str, float], figure: str, digits: int) -> str:
    methods, lengths = rows(cells, figure), [motion[clip] for clip in cells]
    best = [max(values) for values in zip(*methods.values(), strict=True)]
    lines = [
        (
            "*mean motion between observed frames, pixels*",
            *(f"*{v:.1f}*" for v in [*lengths, sum(lengths) / len(lengths)]),
        )
    ]
    for name, values in methods.items():
        shown = [
            f"**{v:.{digits}f}**" if v == b else f"{v:.{digits}f}" for v, b in zip(values, best, strict=True)
        ]
        lines.append((name, *shown, f"{sum(values) / len(values):.{digits}f}"))
    return table(("", *cells, "mean"), lines)


def ablation(rows: dict[str, dict[str, float]]) -> str:
    """One line per change, the clips in their order, and the mean with its difference from the first line."""
    clips = list(next(iter(rows.values())))
    means = {name: sum(values.values()) / len(values) for name, values in rows.items()}
    first = next(iter(means.values()))
    lines = [
        (name, *(f"{v:.2f}" for v in [*values.values(), means[name]]), f"{means[name] - first:+.2f}")
        for name, values in rows.items()
    ]
    return table(("", *clips, "mean", "difference"), lines)


def main() -> None:
    parts = [HEAD]
    for stride, said in ((2, "every second frame"), (4, "three of four frames")):
        content = json.loads((RESULTS / f"clips_stride{stride}.json").read_text())
        cells, motion = content["cells"], content["motion"]
        parts.append(f"## With {said} held out")
        for figure, title, digits in (("psnr", "PSNR in dB", 2), ("ssim", "SSIM", 4)):
            parts.append(f"{title}, protocol `tweenfield`:\n\n{markdown(cells, motion, figure, digits)}")
    suite = json.loads((RESULTS / "suite.json").read_text())["cells"]
    parts += [
        WINDOWS,
        listing(suite, "report", 2),
        OTHER_STRIDES,
        summary(suite, "report"),
        "`standard` by length of motion in pixels between observed frames:",
        by_motion(suite, "report"),
        PICTURES,
    ]
    for stride, said in ((2, "every second frame"), (4, "three of four frames")):
        rows = json.loads((RESULTS / f"ablation_stride{stride}.json").read_text())["rows"]
        parts.append(f"With {said} held out:\n\n{ablation(rows)}")
    (ROOT / "docs" / "results.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
