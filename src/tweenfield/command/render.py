"""The command that draws a fitted model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tweenfield.command import actions
from tweenfield.command.console import check_json, stages
from tweenfield.command.options import (
    DRAW,
    Device,
    DeviceOption,
    Drawing,
    Json,
    Keyframes,
    Quiet,
    Reading,
    Verbose,
    VideoOut,
    takes_groups,
)
from tweenfield.errors import UsageError


@takes_groups
def render(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL.tween", help="What 'fit' wrote.", show_default=False)
    ],
    output: VideoOut,
    size: Annotated[
        str | None,
        typer.Option(metavar="HxW", help="Draw at this height and width.", rich_help_panel=DRAW),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(
            metavar="IN",
            help="The fitted video, for its sound and all else, and for --keyframes original.",
            rich_help_panel=DRAW,
        ),
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option(metavar="A:B[:STEP]", help="With --video, as for the fit.", rich_help_panel=DRAW),
    ] = None,
    device: DeviceOption = Device.auto,
    json: Json = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    *,
    drawing: Drawing,
) -> None:
    """Render a model at another frame rate, speed or size; by default at twice the rate."""
    from tweenfield.fitting.device import resolve_device
    from tweenfield.fitting.model_file import load
    from tweenfield.fitting.result import Source
    from tweenfield.video import check_output, container_for, parse_color, parse_size, write_in_pieces

    encoding = actions.encoding_of(drawing)
    check_output(output, inputs=[model, *([video] if video else [])], encoding=encoding)
    check_json(json)
    parse_color(drawing.background)
    if frames and not video:
        raise UsageError("--frames says which frames of --video were fitted; add --video IN, or leave it out")
    if drawing.keyframes is Keyframes.original and video is None:
        raise UsageError(
            "--keyframes original needs the observed frames; add --video IN, and --frames as for the fit"
        )
    actions.check_shutter(drawing.shutter, drawing.keyframes, size)
    result, originals, carried = load(model), None, None
    timeline = actions.timeline_of(result.source, drawing)
    transparent = result.source.matte is not None
    check_output(
        output,
        rate=timeline.rate,
        encoding=encoding,
        transparent=transparent,
        uneven=timeline.shown is not None,
    )
    if transparent and not container_for(output).keeps_alpha(encoding):
        actions.say_laid_over(result.source.name, actions.no_transparency(output), drawing)
    if video is not None:
        fitted = Reading(frames=frames, size="{}x{}".format(*result.source.size), quiet=quiet)
        originals = actions.read_whole(video, fitted)
        if not transparent:
            originals = originals.over()
        if Source.of(originals).digest != result.source.digest:
            raise UsageError(
                f"{video}: these are not the frames that {model} was fitted to; "
                "give the same video and --frames"
            )
        carried = actions.carried_of(video, originals, timeline, drawing, output)
    actions.show_settings(verbose, result, result.recipe)
    result.field.to(resolve_device(device.value))
    drawn = actions.drawer(
        result,
        timeline,
        keyframes=originals if drawing.keyframes is Keyframes.original else None,
        size=parse_size(size) if size else None,
        shutter=drawing.shutter,
    )
    look = actions.look_of(result.source, timeline, carried, drawing, transparent=transparent)
    wanted = parse_size(size) if size else result.source.size
    actions.say_reduced(output, wanted, look)
    count = len(timeline)
    with stages(quiet) as on_stage:
        write_in_pieces(
            output,
            lambda begin, end: on_stage.count("render", drawn(begin, end), count),
            count,
            wanted,
            look,
            None,
        )
    actions.say_written({"written": output, "frames": count, "rate": str(timeline.rate)}, json, quiet)
