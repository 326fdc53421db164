"""Turns results into the README's table and picture of numbers; prints Markdown."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
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
    table = rows(cells, figure)
    lines = ["| | " + " | ".join([*cells, "mean"]) + " |", "|---|" + "---|" * (len(cells) + 1)]
    lengths = [motion[clip] for clip in cells]
    lines.append(
        "| *mean motion between observed frames, pixels* | "
        + " | ".join(f"*{v:.1f}*" for v in [*lengths, sum(lengths) / len(lengths)])
        + " |"
    )
    best = [max(values) for values in zip(*table.values(), strict=True)]
    for name, values in table.items():
        shown = [
            f"**{v:.{digits}f}**" if v == b else f"{v:.{digits}f}" for v, b in zip(values, best, strict=True)
        ]
        lines.append(f"| {name} | " + " | ".join([*shown, f"{sum(values) / len(values):.{digits}f}"]) + " |")
    return "\n".join(lines)


def main() -> None:
    for stride in (2, 4):
        path = RESULTS / f"clips_stride{stride}.json"
        content = json.loads(path.read_text())
        cells, motion = content["cells"], content["motion"]
        for figure, digits in (("psnr", 2), ("ssim", 4)):
            print(f"\nstride {stride}, {figure}\n\n{markdown(cells, motion, figure, digits)}")


if __name__ == "__main__":
    main()
