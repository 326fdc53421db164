"""How far can the frames between be trusted? Hold out frames of a clip, draw them, compare, say it.

    python examples/how_far_to_trust.py experiment.mp4 trust.png

Prints the PSNR of every held-out frame and a few sentences, and draws a figure: PSNR over the clip, and the
frame that came out worst beside the true one, with its error map.
"""

import argparse

import numpy as np
from matplotlib.figure import Figure

from tweenfield import Dis, Evaluation, evaluate, read_video, render, replace, standard

# The error map runs from black (none) to white (this many of 255 levels, or more).
SHOWN = 32


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="How far can the frames between be trusted?")
    parser.add_argument("clip", help="a video, or a folder of images")
    parser.add_argument("output", help="the figure: NAME.png, .pdf or .svg")
    parser.add_argument("--frames", help="A:B, use these frames only")
    parser.add_argument(
        "--stride", type=int, default=2, help="observe every n-th frame, hold out the others (2)"
    )
    parser.add_argument("--steps", type=int, help="steps of the fit, in place of the preset's")
    options = parser.parse_args(arguments)

    recipe = replace(standard(), steps=options.steps) if options.steps else standard()
    evaluation = evaluate(
        read_video(options.clip, frames=options.frames), Dis(), recipe, stride=options.stride
    )
    errors = error_maps(evaluation)
    for index, psnr in zip(evaluation.split.indices, evaluation.score.psnr, strict=True):
        print(f"frame {index}: {psnr:.2f} dB")
    print(*sentences(evaluation, errors), sep="\n")
    figure(evaluation, errors).savefig(options.output, dpi=150)


def error_maps(evaluation: Evaluation) -> np.ndarray:
    """Of each held-out frame and pixel: how far the worst of its channels is off, in levels of 255."""
    drawn = render(evaluation.result.field, evaluation.split.positions)
    truth = evaluation.split.held_out.frames
    return np.stack([np.abs(d.astype(int) - t).max(axis=-1) for d, t in zip(drawn, truth, strict=True)])


def sentences(evaluation: Evaluation, errors: np.ndarray) -> list[str]:
    """What was found, with figures."""
    split, psnr = evaluation.split, np.array(evaluation.score.psnr)
    worst = int(psnr.argmin())
    others = {name: np.mean(score.psnr) for name, score in evaluation.baselines.items()}
    best = max(others, key=lambda name: others[name])
    return [
        f"{len(psnr)} held-out frames have {psnr.mean():.2f} dB on average, half of them over "
        f"{np.median(psnr):.2f} dB; the worst is frame {split.indices[worst]} with {psnr[worst]:.2f} dB.",
        f"Half of all pixels are off by at most {np.percentile(errors, 50):.0f} of 255 levels, 95% by at "
        f"most {np.percentile(errors, 95):.0f}, 99% by at most {np.percentile(errors, 99):.0f}.",
        f"The best of {', '.join(others)} is {best} with {others[best]:.2f} dB; to this the field adds "
        f"{psnr.mean() - others[best]:+.2f} dB.",
        f"Observed frames were {split.stride} frames apart here. In a fit of the whole clip they are one "
        "frame apart, with less motion between them, but what is drawn there can't be measured.",
    ]


def figure(evaluation: Evaluation, errors: np.ndarray) -> Figure:
    """PSNR over the clip; the worst frame as drawn, as it was, and its error map."""
    split, psnr = evaluation.split, evaluation.score.psnr
    worst = int(np.argmin(psnr))
    drawn = next(render(evaluation.result.field, [split.positions[worst]]))
    drawing = Figure(figsize=(12, 6), layout="constrained")
    axes = drawing.subplot_mosaic([["psnr"] * 3, ["drawn", "true", "error"]])
    for name, values in {"field": psnr, **{n: s.psnr for n, s in evaluation.baselines.items()}}.items():
        axes["psnr"].plot(split.indices, values, marker=".", label=name)
    axes["psnr"].set(xlabel="held-out frame", ylabel="PSNR (dB)")
    axes["psnr"].legend()
    for place, title, picture in (
        ("drawn", f"frame {split.indices[worst]}, drawn", drawn),
        ("true", "true", split.held_out.frames[worst]),
        ("error", f"error, white: {SHOWN} of 255 levels", errors[worst]),
    ):
        axes[place].imshow(picture, cmap="gray", vmin=0, vmax=SHOWN)
        axes[place].set_title(title)
        axes[place].set_axis_off()
    return drawing


if __name__ == "__main__":
    main()
