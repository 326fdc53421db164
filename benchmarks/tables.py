"""Turns results into ``docs/results.md``: every method on every clip, and what parts of transport bring."""

import json

from common import RESULTS, ROOT, table

HEAD = """# Results

<!-- Made by benchmarks/tables.py from benchmarks/results; don't edit. -->

Six clips of 240x360, 41 frames each, every interpolator on the same hidden frames. No fit and no
flow saw a hidden frame. There is one setting of `transport` for all clips, but it was chosen by the
scores on these six together: expect somewhat less of a gain elsewhere, and let `eval` tell you.
RIFE's networks were trained on other videos; everything else knows only the clip. The highest of
each column is bold. Which commit made which figure stands in `benchmarks/results` of the repository."""

PICTURES = """## Best and worst

![Held-out frames where transport gains and loses most against the plain warp](images/best_and_worst.png)

The frames, two clips each, where `transport` gains and loses most against the plain warp, three of
four frames hidden. A hard cut in bikes gives the best and the worst of them: a quarter of the way
into that interval the first scene is right, in the middle it is wrong.

## What each part is worth

`transport` with one part changed at a time, PSNR in dB. Fits are shorter than `standard`: 200 steps
of 6 crops. Made by `benchmarks/ablation.py`; what the rows mean is on the [method
page](method.md#transport). The last row is to be compared with the one above it: the four cautions are
the share of standing still where flow disagrees, the pull to the base where hidden frames say little,
following the fitted weights only most of the way, and not at all where candidates agree. One by one
they hardly show in a short fit; together they keep a long one from losing on five of six clips what it
gains on bunny_a."""
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
        parts.append(f"## With {said} hidden")
        for figure, title, digits in (("psnr", "PSNR in dB", 2), ("ssim", "SSIM", 4)):
            parts.append(f"{title}, protocol `tweenfield`:\n\n{markdown(cells, motion, figure, digits)}")
    parts.append(PICTURES)
    for stride, said in ((2, "every second frame"), (4, "three of four frames")):
        rows = json.loads((RESULTS / f"ablation_stride{stride}.json").read_text())["rows"]
        parts.append(f"With {said} hidden:\n\n{ablation(rows)}")
    (ROOT / "docs" / "results.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
