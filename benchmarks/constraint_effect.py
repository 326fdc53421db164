"""The paper's central effect, small: held-out PSNR with and without the constraint, and a sweep.

On a 64x96 crop of 11 frames (every second observed) of each clip, all fits with the same budget. The crop
is the one whose observed frames change most, on a grid of 16 pixels. The paper's temporal scale spreads the
6 observed frames over [-1, 1]: a time_step of 0.4.
"""

import time

import numpy as np
from common import arguments, busiest, save

from tweenfield import Dis, Video, draft, evaluate, hide, read_video, replace
from tweenfield.baselines import BASELINES, DEFAULT_BASELINES

HEIGHT, WIDTH, FRAMES = 64, 96, 11
PAPER_TIME_STEP = 0.4
LAMBDAS = (0.0, 0.03, 0.12, 0.4)
TIME_STEPS = (PAPER_TIME_STEP, 0.1, 0.03)


def crop(
    video: Video, length: int = FRAMES, stride: int = 2, size: tuple[int, int] = (HEIGHT, WIDTH)
) -> Video:
    """The place whose observed frames change most."""
    frames = np.asarray(hide(video.select(range(length)), stride).observed.frames, np.float32)
    change = np.abs(np.diff(frames, axis=0)).mean(axis=(0, 3))
    rows, columns = busiest(change, size, 16)
    return Video(
        frames=np.ascontiguousarray(video.frames[:length, rows, columns]),
        times=video.times[:length],
        rate=video.rate,
        name=f"{video.name} {rows.start}:{rows.stop},{columns.start}:{columns.stop}",
    )


def main() -> None:
    options = arguments(__doc__, steps=1500)
    settings = {
        "steps": options.steps,
        "width": 160,
        "depth": 4,
        "points": 2048,
        "learning_rate": 5e-4,
        "extent": 1.0,
    }
    results = []
    for name in ("walk", "bunny_a"):
        video = crop(read_video(options.clips / f"{name}.mkv"))
        fits, baselines = [], {}
        for time_step in TIME_STEPS:
            for weight in LAMBDAS:
                began = time.monotonic()
                recipe = replace(draft("siren"), weight=weight, time_step=time_step, **settings)
                evaluation = evaluate(
                    video,
                    Dis(),
                    recipe,
                    device="cpu",
                    baselines={} if baselines else {name: BASELINES[name] for name in DEFAULT_BASELINES},
                )
                values = evaluation.as_json()
                baselines = baselines or {n: b["psnr_held_out"] for n, b in values["baselines"].items()}
                fits.append(
                    {
                        "lambda": weight,
                        "time_step": time_step,
                        **{k: values[k] for k in ("psnr_observed", "psnr_held_out")},
                    }
                )
                print(
                    f"{video.name}: time_step {time_step}, lambda {weight}: "
                    f"observed {values['psnr_observed']:.2f}, held out {values['psnr_held_out']:.2f} dB, "
                    f"{time.monotonic() - began:.0f} s",
                    flush=True,
                )
        at = {(f["lambda"], f["time_step"]): f["psnr_held_out"] for f in fits}
        best = max(fits, key=lambda f: f["psnr_held_out"])
        gain = at[0.12, PAPER_TIME_STEP] - at[0.0, PAPER_TIME_STEP]
        print(f"{video.name}: lambda 0.12 gains {gain:.2f} dB at the paper's scale; best {best}")
        results.append(
            {
                "clip": video.name,
                "gain_at_paper_scale": gain,
                "best": best,
                "fits": fits,
                "baselines": baselines,
            }
        )
    save("constraint_effect", options.output, results, seed=0, flow="dis", **settings)


if __name__ == "__main__":
    main()
