"""Slow motion of a phone's clip: its own frames as they are, and new ones between them.

    python examples/slow_motion.py clip.mp4 slow.mp4 --factor 4 --frames 30:90

Rotation, variable frame rate and colours are read as the phone wrote them. Sound, stretched
along, and all else in the file go with the picture.
"""

import argparse
from pathlib import Path

from tweenfield import (
    Carried,
    Dis,
    draft,
    estimate_flow,
    fit,
    output_timeline,
    read_video,
    render,
    replace,
    standard,
    write_video,
)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Slow motion of a clip.")
    parser.add_argument("clip", help="a video, or a folder of images")
    parser.add_argument("output", help="NAME.mp4, .mkv, .webm or .gif, or a folder for PNGs")
    parser.add_argument("--factor", default="4", help="how much slower (4)")
    parser.add_argument("--frames", help="A:B, use these frames only")
    parser.add_argument("--draft", action="store_true", help="a first look, in a third of the time")
    parser.add_argument("--steps", type=int, help="steps of the fit, in place of the preset's")
    options = parser.parse_args(arguments)

    video = read_video(options.clip, frames=options.frames)
    recipe = draft() if options.draft else standard()
    if options.steps:
        recipe = replace(recipe, steps=options.steps)
    result = fit(
        video,
        estimate_flow(video, Dis()),
        recipe,
        on_progress=lambda p: print(f"\rstep {p.step} of {p.steps}", end="", flush=True),
    )
    timeline = output_timeline(video, slow=options.factor)
    count = write_video(
        options.output,
        render(result.field, timeline.positions, keyframes=video),
        rate=timeline.rate,
        color=video.color,
        sample_aspect_ratio=video.sample_aspect_ratio,
        carried=Carried(
            path=Path(options.clip), start=video.start, length=timeline.length, speed=timeline.speed
        ),
    )
    print(f"\n{options.output}: {count} frames from {len(video)}, at {float(timeline.rate):.6g} fps")


if __name__ == "__main__":
    main()
