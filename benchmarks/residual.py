"""How well each field obeys the optical-flow equation: its residual (9) at times between the frames.

Mean over pixels of |df/dx u + df/dy v + df/dt| summed over RGB, in colour per interval, with (u, v) the DIS
velocity at that time; at 120x180, every second frame observed. Blending's derivatives are differences.
"""

import numpy as np
import torch
from common import arguments, save

from tweenfield import Dis, Field, Flow, Video, draft, estimate_flow, fit, hide, read_video, standard
from tweenfield.flow.velocity import velocity

FRACTIONS = (0.25, 0.5, 0.75)


def of_field(field: Field, flow: Flow, times: list[float]) -> float:
    with torch.no_grad():
        return float(
            np.mean(
                [
                    field.frame_with_derivative(t, torch.from_numpy(velocity(flow, t)))[1]
                    .abs()
                    .sum(dim=-1)
                    .mean()
                    for t in times
                ]
            )
        )


def of_blend(video: Video, flow: Flow, times: list[float]) -> float:
    residuals = []
    for t in times:
        k = int(t)
        first, second = video.frames[k : k + 2].astype(np.float32) / 255
        frame = first + np.float32(t - k) * (second - first)
        dy, dx = np.gradient(frame, axis=(0, 1))
        v = velocity(flow, t)
        residuals.append(np.abs(dx * v[..., :1] + dy * v[..., 1:] + second - first).sum(axis=-1).mean())
    return float(np.mean(residuals))


def main() -> None:
    options = arguments(__doc__)
    results = {}
    for name in ("walk", "bunny_a"):
        video = hide(read_video(options.clips / f"{name}.mkv", size=(120, 180)), 2).observed
        flow = estimate_flow(video, Dis())
        times = [k + s for k in range(len(video) - 1) for s in FRACTIONS]
        fields = {"transport": standard(), "siren": draft("siren")}
        results[name] = {n: of_field(fit(video, flow, r).field, flow, times) for n, r in fields.items()}
        results[name]["blend"] = of_blend(video, flow, times)
        print(name, results[name], flush=True)
    save("residual", options.output, results)


if __name__ == "__main__":
    main()
