"""What fitting the motion recovers from good, bad and no flow.

Two kinds of video, one setting for all. Crops of 64x96 and 11 frames as in constraint_effect.py, every
second observed: held-out PSNR of the fit and of plain warps, with the flow as given and with the fitted one.
Crops of 96x144 of frame pairs with known flow (Middlebury): end-point error of both.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from common import arguments, mean_psnr, save
from constraint_effect import crop

from tweenfield import (
    BASELINES,
    Dis,
    Farneback,
    Flow,
    Recipe,
    Video,
    estimate_flow,
    evaluate,
    fit,
    hide,
    read_video,
    replace,
    standard,
)

CLIPS = ("walk", "bunny_a")
PAIRS = ("RubberWhale", "Dimetrodon")
PAIR_SIZE = 96, 144
# Standard deviation of the noise, and of the blur that makes it smooth, in pixels.
NOISE, BLUR = 3.0, 8.0
# Middlebury's mark of what isn't known.
UNKNOWN = 1e9


def flows(observed: Video) -> dict[str, Flow]:
    """Good, bad and no flow."""
    dis = estimate_flow(observed, Dis())
    noise = np.random.default_rng(0).normal(size=dis.forward.shape).astype(np.float32)
    noise = np.stack([cv2.GaussianBlur(each, (0, 0), BLUR) for each in noise])
    noise *= NOISE / noise.std()
    zero = np.zeros(dis.forward.shape, np.float32)
    return {
        "dis": dis,
        "farneback": estimate_flow(observed, Farneback()),
        # Both directions are wrong by the same vectors, so that they don't contradict each other much.
        "shifted": Flow(
            forward=np.asarray(dis.forward) + noise, backward=np.asarray(dis.backward) - noise, name="shifted"
        ),
        "zero": Flow(forward=zero, backward=zero, name="zero"),
    }


def on_clip(video: Video, name: str, recipe: Recipe) -> list[dict[str, object]]:
    """Held-out PSNR with the given and with the fitted motion."""
    observed, rows = hide(video).observed, []
    for kind, flow in flows(observed).items():
        row = {"clip": name, "flow": kind}
        for motion in ("given", "fitted"):
            evaluation = evaluate(video, flow, replace(recipe, motion=motion), device="cpu", baselines={})
            split, correction = evaluation.split, evaluation.result.learnt
            used = correction.corrected(flow) if correction else flow
            warped = BASELINES["warp"](observed, used, split.positions)
            row[motion] = {
                "psnr_observed": evaluation.psnr_observed,
                "psnr_held_out": float(np.mean(evaluation.score.psnr)),
                "warp_held_out": mean_psnr(warped, split.held_out),
                "seconds": evaluation.seconds["fit"],
            }
        rows.append(row)
        print(row, flush=True)
    return rows


def on_pair(folder: Path, name: str, recipe: Recipe) -> list[dict[str, object]]:
    """End-point error in pixels of the given and of the fitted flow, in the middle of the pair."""
    video = read_video(folder / "other-data" / name)
    truth = cv2.readOpticalFlow(str(folder / "other-gt-flow" / name / "flow10.flo"))
    top, left = ((side - part) // 2 for side, part in zip(video.size, PAIR_SIZE, strict=True))
    rows, columns = slice(top, top + PAIR_SIZE[0]), slice(left, left + PAIR_SIZE[1])
    frames, truth = np.ascontiguousarray(np.asarray(video.frames)[:, rows, columns]), truth[rows, columns]
    video = Video(frames=frames, times=video.times, rate=video.rate, name=name)
    known = (np.abs(truth) < UNKNOWN).all(axis=-1)
    results = []
    for kind, flow in flows(video).items():
        motion = fit(video, flow, replace(recipe, motion="fitted"), device="cpu").learnt["motion"]
        errors = {
            which: float(np.linalg.norm(each.forward[0] - truth, axis=-1)[known].mean())
            for which, each in (("given", flow), ("fitted", motion.corrected(flow)))
        }
        results.append({"pair": name, "flow": kind, "end_point_error": errors})
        print(results[-1], flush=True)
    return results


def main() -> None:
    options = arguments(__doc__, steps=1000)
    recipe = replace(standard("patches"), steps=options.steps)
    results = []
    for name in CLIPS:
        results += on_clip(crop(read_video(options.clips / f"{name}.mkv")), name, recipe)
    for name in PAIRS:
        results += on_pair(options.clips.parent / "flow" / "middlebury", name, recipe)
    save("joint_motion", options.output, results, steps=options.steps, seed=0, noise=NOISE, blur=BLUR)


if __name__ == "__main__":
    main()
