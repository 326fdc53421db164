"""What several commands do on the way, from their flags to the public API."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from tweenfield.command.console import Stages, print_facts, print_json, print_scores, say, stages
from tweenfield.command.options import Audio, Keyframes, Repeats, Settings, check_name
from tweenfield.errors import FlowError, UsageError

# An encoder holds about as many frames back.
_HELD_BACK = 60

if TYPE_CHECKING:
    from tweenfield import (
        Evaluation,
        FitResult,
        Flow,
        Lpips,
        Progress,
        Recipe,
        Shot,
        Sound,
        Split,
        Timeline,
        Video,
    )


def recipe_of(settings: Settings) -> Recipe:
    """The preset with the settings that were given."""
    from tweenfield.fitting.presets import preset
    from tweenfield.fitting.recipe import replace

    changes = {
        "weight": settings.lambda_,
        "steps": settings.steps,
        "width": settings.width,
        "depth": settings.depth,
        "omega": settings.omega,
        "time_step": settings.time_step,
        "motion": settings.motion,
        "seed": settings.seed,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    if settings.field is not None:
        check_name("field", settings.field)
    return replace(preset(settings.preset, settings.field), **given)


def read(source: Path, frames: str | None, size: str | None, quiet: bool) -> Video:
    """The frames that were asked for."""
    from tweenfield.video import parse_size, read_video

    wanted = parse_size(size) if size else None
    with stages(quiet) as on_stage:
        return read_video(
            source,
            frames=frames,
            size=wanted,
            on_progress=lambda done, total: on_stage("read", done, total),
        )


def without_repeats(video: Video, repeats: Repeats, quiet: bool) -> Video:
    """The frames that are new, unless all are wanted; that some are left out is said."""
    from tweenfield.video import without_repeats

    if repeats is Repeats.keep:
        return video
    new = without_repeats(video)
    if left_out := len(video) - len(new):
        one = left_out == 1
        say(
            f"tweenfield: {video.name}: {left_out} of {len(video)} frames repeat{'s' if one else ''} "
            f"the one before; {'it is' if one else 'they are'} left out and motion is made even "
            "(--repeats keep takes all frames as they are)",
            quiet=quiet,
        )
    return new


def shots_of(source: Path, quiet: bool) -> list[Shot]:
    """The shots of all of a video."""
    from tweenfield.video import find_shots

    return find_shots(read(source, None, None, quiet))


def given_flow(path: str, video: Video) -> Flow:
    """Flow from a file or folder."""
    from tweenfield.flow import PROVIDERS, read_flow

    if not Path(path).exists():
        raise FlowError(
            f"{path}: there is no such flow; use {', '.join(PROVIDERS)}, or an existing file or folder"
        )
    return read_flow(path, video)


def observed_flow(path: str, split: Split) -> Flow:
    """Flow from a file or folder, for the observed frames only; what doesn't fit is said of these."""
    from dataclasses import replace

    seen = replace(split.observed, name=f"{split.observed.name} observed with --stride {split.stride}")
    return given_flow(path, seen)


def flow_of(name: str, video: Video, on_stage: Stages) -> Flow:
    """Flow by the provider called ``name``, or from the file or folder of that name."""
    from tweenfield.flow import estimate_flow, provider

    estimator = provider(name)
    if estimator is None:
        return given_flow(name, video)
    return estimate_flow(video, estimator, on_progress=lambda done, total: on_stage("flow", done, total))


def lpips_of(path: Path | None) -> Lpips | None:
    """What measures LPIPS with the weights at ``path``, if it was asked for."""
    from tweenfield.evaluation.lpips import Lpips

    return Lpips(path) if path else None


def fit_progress(on_stage: Stages) -> Callable[[Progress], None]:
    """Shows the fit as a stage."""
    return lambda p: on_stage(p.stage, p.step, p.steps, p.remark)


def draw(
    result: FitResult,
    timeline: Timeline,
    output: str,
    on_stage: Stages,
    *,
    keyframes: Video | None,
    size: tuple[int, int] | None = None,
    shutter: float | None = None,
    sound: Sound | None = None,
) -> None:
    """Render and write, frame by frame."""
    from tweenfield.drawing.exposure import render_exposed
    from tweenfield.drawing.render import render as render_field
    from tweenfield.video import write_video

    if shutter is None:
        drawn = render_field(result.field, timeline.positions, size=size, keyframes=keyframes)
    else:
        exposures = [float(step) * shutter / 360 for step in timeline.steps]
        drawn = render_exposed(result.field, timeline.positions, exposures)
    count = len(timeline.positions)
    write_video(
        output,
        on_stage.count("render", drawn, count, lambda done: _size_to_expect(output, done, count)),
        rate=timeline.rate,
        color=result.source.color,
        sample_aspect_ratio=result.source.sample_aspect_ratio,
        sound=sound,
    )


def check_shutter(degrees: float | None, keyframes: Keyframes) -> None:
    """Refuse a shutter that can't be, and observed frames that would have none."""
    if degrees is None:
        return
    if not 0 < degrees <= 360:
        raise UsageError(f"a shutter of {degrees:g} degrees can't be; choose one above 0, up to 360")
    if keyframes is Keyframes.original:
        raise UsageError("--keyframes original shows frames without motion blur; leave it or --shutter out")


def sound_of(
    source: Path,
    video: Video,
    slow: str | None,
    speed: str | None,
    audio: Audio,
    output: str,
    quiet: bool,
) -> Sound | None:
    """The sound of the frames that were asked for, if there is any and the output has room for it."""
    from tweenfield.video import Sound, container_for, has_sound, parse_slow

    if audio is Audio.none or not has_sound(source):
        return None
    if not container_for(output).holds_sound:
        say(
            f"tweenfield: {output}: this can't hold sound, which is left out; "
            "choose .mp4, .mkv or .webm to keep it",
            quiet=quiet,
        )
        return None
    if speed and audio is Audio.stretch:
        say(
            "tweenfield: sound can't follow a speed that changes and is left out; "
            "--audio keep leaves it at its own speed",
            quiet=quiet,
        )
        return None
    return Sound(
        path=source,
        start=video.start,
        length=video.times[-1] - video.times[0] + 1 / video.rate,
        speed=1 / parse_slow(slow) if slow and audio is Audio.stretch else Fraction(1),
        on_damage=lambda sentence: say(f"tweenfield: {sentence}", quiet=quiet),
    )


def _size_to_expect(output: str, done: int, count: int) -> str:
    """How large the result will be, from what is written of it, as text; empty while too little is."""
    from tweenfield.storage.atomic import written_so_far

    if done < 2 * _HELD_BACK:
        return ""
    megabytes = written_so_far(output) / (done - _HELD_BACK) * count / 1e6
    return f"about {megabytes:.0f} MB" if megabytes >= 1 else ""


def say_written(output: str, count: int, rate: Fraction, json: str | None, quiet: bool) -> None:
    """Tell what was written."""
    if json:
        print_json({"written": output, "frames": count, "rate": str(rate)}, json)
    elif not quiet:
        print_facts({"written": output, "frames": count, "rate": f"{float(rate):.6g} fps"})


def say_scores(evaluation: Evaluation, json: str | None) -> None:
    """Tell how good the field and the baselines are, on stdout as a table unless JSON goes there."""
    values = evaluation.as_json()
    if json:
        print_json(values, json)
    if json != "-":
        size, count = "{}x{}".format(*values["size"]), values["held_out"]
        print_scores(
            [
                (name, {key.removesuffix("_held_out"): value for key, value in figures.items()})
                for name, figures in ((values["field"], values), *values["baselines"].items())
            ],
            f"{values['clip']}: {count} held-out frames of {size}, protocol {values['protocol']}",
        )


def show_settings(verbose: bool, video: Video, recipe: Recipe) -> None:
    """Tell the settings, if asked to."""
    if verbose:
        for part in (video, recipe.field, recipe.objective, recipe.fit, recipe.teacher):
            if part is not None:
                say(repr(part))
