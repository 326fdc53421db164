"""docs/images/time_to_quality.png from results/time_to_quality.json."""

import json

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from common import RESULTS, ROOT

NAMES = {"paper": "siren, the paper's recipe cut short", "patches": "patches, standard"}


def main() -> None:
    results = json.loads((RESULTS / "time_to_quality.json").read_text())["results"]
    clips = list(dict.fromkeys(fit["clip"] for fit in results))
    figure, axes = plt.subplots(1, len(clips), figsize=(10, 3.2), sharex=True, layout="constrained")
    for axis, clip in zip(axes, clips, strict=True):
        for fit in (fit for fit in results if fit["clip"] == clip):
            seconds, quality = zip(*((p["seconds"], p["psnr"]) for p in fit["curve"]), strict=True)
            axis.plot(seconds, quality, marker=".", label=NAMES[fit["recipe"]])
        axis.set(title=clip, xscale="log", xlabel="seconds of the fit")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("held-out PSNR in dB")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.savefig(ROOT / "docs" / "images" / "time_to_quality.png", dpi=110)


if __name__ == "__main__":
    main()
