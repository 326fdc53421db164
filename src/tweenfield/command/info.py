"""The command that shows what a file holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tweenfield.command import actions
from tweenfield.command.console import check_json, plain, print_facts, print_json, print_shots
from tweenfield.command.options import Json, Quiet, Verbose
from tweenfield.errors import UsageError

if TYPE_CHECKING:
    from tweenfield.video import Hdr, VideoInfo


def info(
    source: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A video, a folder of images, or a model.", show_default=False),
    ],
    shots: Annotated[bool, typer.Option("--shots", help="Find the shots of a video.")] = False,
    json: Json = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """What a video or a model file holds."""
    from dataclasses import asdict

    check_json(json)
    if source.suffix == ".tween":
        if shots:
            raise UsageError(f"{source}: a model has no shots; give --shots with a video")
        from tweenfield.fitting.model_file import header, load

        result = load(source)
        actions.show_settings(verbose, result, result.recipe)
        values = header(result)
        field = values["recipe"]["field"]
        shown = {
            "model": source,
            "field": ", ".join(f"{name} {value}" for name, value in field.items()).removeprefix("name "),
            "video": values["source"]["name"],
            "frames": f"{len(values['source']['times'])} of {{}}x{{}}".format(*values["source"]["size"]),
            "rate": values["source"]["rate"],
            "preset": values["recipe"]["name"],
            "flow": values["flow"],
            "steps": f"{values['step']} of {values['steps']} in {values['seconds']:.1f} s",
        }
    else:
        from tweenfield.video import describe_video
        from tweenfield.video.hdr import as_json

        about = describe_video(source)
        actions.show_settings(verbose, about)
        values = plain(asdict(about)) | {"hdr": as_json(about.hdr)}
        shown = values | {
            "size": "{}x{} (height x width)".format(*about.size),
            "rate": _rate_text(about),
            "duration": f"{float(about.duration):.6g} s",
            # The range tells how YUV is coded; RGB has none.
            "color": "RGB"
            if about.matrix == "gbr"
            else ("full range" if about.color.full_range else "limited range"),
            "hdr": _hdr_text(about.hdr),
            "dolby_vision": _dolby_text(about.dolby_vision),
            "audio": ", ".join(about.audio) or "none",
            "subtitles": ", ".join(about.subtitles) or "none",
        }
    found = actions.shots_of(source, quiet=quiet) if shots else []
    if json:
        print_json(values | ({"shots": [plain(asdict(shot)) for shot in found]} if shots else {}), json)
    else:
        print_facts(shown)
        if shots:
            print_shots(found)


def _rate_text(about: VideoInfo) -> str:
    rate, mean = about.rate, about.frames / about.duration
    exact = "" if rate.denominator == 1 else f" ({rate})"
    varies = "" if about.constant_rate else f", variable; {float(mean):.6g} in the mean"
    return f"{float(rate):.6g} fps{exact}{varies}"


def _dolby_text(profile: str | None) -> str:
    from tweenfield.video.hdr import DOLBY_ONLY

    if profile is None:
        return "none"
    return f"profile {profile}{', whose colours can not be shown right' if profile in DOLBY_ONLY else ''}"


def _hdr_text(hdr: Hdr | None) -> str:
    if hdr is None:
        return "none"
    light = f"max-cll {hdr.max_cll}, max-fall {hdr.max_fall} cd/m2"
    if hdr.display is None:
        return light
    return f"display of {float(hdr.display.darkest):g} to {float(hdr.display.brightest):g} cd/m2, {light}"
