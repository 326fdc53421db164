"""What several commands do on the way, from their flags to the public API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tweenfield.choices import Doubtful, Repeats
from tweenfield.command.console import Stages, print_facts, print_json, print_scores, say, stages
from tweenfield.command.options import Drawing, Keyframes, Reading, Settings, Writing, check_name
from tweenfield.errors import FlowError, UsageError

# What is told of a field that has no error to expect.
UNKNOWN = "unknown: of the fields, only transport has an error to expect"
# An encoder holds about as many frames back.
_HELD_BACK = 60

if TYPE_CHECKING:
    import numpy as np

    from tweenfield import (
        Carried,
        Companion,
        Encoding,
        Evaluation,
        FitResult,
        Flow,
        Look,
        Lpips,
        Progress,
        Recipe,
        Shot,
        Split,
        Timeline,
        Video,
    )
    from tweenfield.command.run_options import Running
    from tweenfield.fitting.result import Source
    from tweenfield.video import Compared
    from tweenfield.video.timing import Timed

    # Compares all intervals of a video, and shows how far it is.
    Compare = Callable[[Video, Stages], Iterable[Compared | None]]


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


def read(source: Path, settings: Reading) -> Video:
    """The frames that were asked for; what is transparent is laid over black or white, with a sentence."""
    video = read_whole(source, settings)
    if video.alpha is not None:
        say(f"tweenfield: {source}: the video is transparent in parts, which are laid over {video.matte}")
    return video.over()


def read_whole(source: Path, settings: Reading, check: Callable[[], None] = lambda: None) -> Video:
    """The frames that were asked for, transparent ones too. ``check`` is called now and then: what it raises
    ends the reading.
    """
    from tweenfield.video import parse_rate, parse_size, parse_time, read_video

    wanted = parse_size(settings.size) if settings.size else None
    since, until = (parse_time(text) if text else None for text in (settings.since, settings.until))
    folder_rate = {}
    if settings.input_fps:
        if not source.is_dir():
            raise UsageError(f"{source}: --input-fps is for a folder of images; a video has its own rate")
        rate = parse_rate(settings.input_fps)
        if rate.relative:
            raise UsageError(
                f"--input-fps {settings.input_fps} has no rate to refer to; write one such as 24"
            )
        folder_rate = {"folder_rate": rate.value}
    with stages(settings.quiet) as on_stage:

        def shown(done: int, total: int) -> None:
            check()
            on_stage("read", done, total)

        return read_video(
            source,
            frames=settings.frames,
            since=since,
            until=until,
            size=wanted,
            **folder_rate,
            deinterlace=settings.deinterlace,
            on_notice=lambda sentence: say(f"tweenfield: {sentence}"),
            on_progress=shown,
        )


def without_repeats(
    video: Video, repeats: Repeats, quiet: bool, elsewhere: Compare | None = None
) -> tuple[Video, list[int]]:
    """The frames that are new, unless all are wanted; that some are left out is said. Also those of them with
    which a shot begins, as far as frames were compared, here or ``elsewhere``.
    """
    from tweenfield.video import compared, new_frames

    if repeats is Repeats.keep:
        return video, []
    with stages(quiet) as on_stage:
        if elsewhere:
            intervals = elsewhere(video, on_stage)
        else:
            intervals = on_stage.count("compare", compared(video), len(video) - 1)
        new, shots = new_frames(video, intervals)
    if left_out := len(video) - len(new):
        one = left_out == 1
        say(
            f"tweenfield: {video.name}: {left_out} of {len(video)} frames repeat{'s' if one else ''} "
            f"the one before; {'it is' if one else 'they are'} left out and motion is made even "
            "(--repeats keep takes all frames as they are)",
            quiet=quiet,
        )
    return new, shots


def kept_or_laid_over(video: Video, recipe: Recipe, output: str, drawing: Running) -> Video:
    """The video as the field and the output can take it: transparent as it is, or laid over the background,
    with a sentence.
    """
    from tweenfield.video import container_for

    if video.alpha is None:
        return video
    if not recipe.field.draws_alpha:
        lost = f"the field {recipe.field.name} draws no transparency, while transport does"
    elif drawing.with_:
        lost = f"{drawing.with_.partition('=')[0]} draws no transparency"
    elif not container_for(output).keeps_alpha(encoding_of(drawing)):
        lost = no_transparency(output)
    else:
        return video
    say_laid_over(video.name, lost, drawing)
    return video.over(drawing.background)


def no_transparency(output: str) -> str:
    """What to say of an output that can't keep it."""
    return f"{output} holds no transparency, while .webm, .mov, .mkv, PNGs and, with hard edges, .gif do"


def say_laid_over(name: str, lost: str, drawing: Drawing) -> None:
    """Say that the picture is, and why."""
    say(
        f"tweenfield: {name}: {lost}; the picture is laid over {drawing.background} (--background takes "
        "another colour)"
    )


def shots_of(source: Path, quiet: bool) -> list[Shot]:
    """The shots of all of a video."""
    from tweenfield.video import find_shots

    return find_shots(read(source, Reading(quiet=quiet)))


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


def encoding_of(writing: Writing) -> Encoding:
    """How the picture is to be encoded."""
    from tweenfield.video import Encoding

    return Encoding(codec=writing.codec, crf=writing.crf, pixel_format=writing.pixel_format)


def timeline_of(video: Timed, drawing: Drawing) -> Timeline:
    """The frames that were asked for; twice the rate if nothing was."""
    from tweenfield.video import output_timeline

    return output_timeline(
        video,
        fps=drawing.fps or (None if drawing.slow or drawing.speed else "2x"),
        slow=drawing.slow,
        speed=drawing.speed,
        end=drawing.end,
        timing=drawing.timing,
    )


def drawer(
    result: FitResult,
    timeline: Timeline,
    *,
    keyframes: Video | None,
    size: tuple[int, int] | None = None,
    shutter: float | None = None,
    doubtful: Doubtful = Doubtful.draw,
    companion: Companion | None = None,
) -> Callable[[int, int], Iterator[np.ndarray]]:
    """What draws the frames of a timeline from one number until before another."""
    from tweenfield.drawing.expectation import render_doubtful
    from tweenfield.drawing.exposure import render_exposed
    from tweenfield.drawing.render import render as render_field

    positions, steps = timeline.positions, timeline.steps if shutter else []

    def drawn(begin: int, end: int) -> Iterator[np.ndarray]:
        if doubtful is not Doubtful.draw:
            return render_doubtful(
                result.field, positions[begin:end], doubtful, keyframes=keyframes, companion=companion
            )
        if shutter is None:
            return render_field(
                result.field, positions[begin:end], size=size, keyframes=keyframes, companion=companion
            )
        exposures = [float(step) * shutter / 360 for step in steps[begin:end]]
        transfer = result.source.color.transfer
        return render_exposed(result.field, positions[begin:end], exposures, transfer=transfer)

    return drawn


def look_of(
    source: Source | Video,
    timeline: Timeline,
    carried: Carried | None,
    drawing: Drawing,
    *,
    transparent: bool,
) -> Look:
    """How a player is to show what is drawn."""
    from tweenfield.video import Look

    return Look(
        rate=timeline.rate,
        color=source.color,
        sample_aspect_ratio=source.sample_aspect_ratio,
        depth=source.depth,
        hdr=source.hdr,
        carried=carried,
        encoding=encoding_of(drawing),
        times=timeline.shown,
        transparent=transparent,
        background=drawing.background,
    )


def say_reduced(output: str, size: tuple[int, int], look: Look) -> None:
    """Tell what of the picture the output can't hold."""
    from tweenfield.video import container_for, reductions

    for sentence in reductions(container_for(output), size, look):
        say(f"tweenfield: {output}: {sentence}")


def check_shutter(degrees: float | None, keyframes: Keyframes, size: str | None = None) -> None:
    """Refuse a shutter that can't be, another size, and observed frames that would have none."""
    if degrees is None:
        return
    if not 0 < degrees <= 360:
        raise UsageError(f"a shutter of {degrees:g} degrees can't be; choose one above 0, up to 360")
    if keyframes is Keyframes.original:
        raise UsageError("--keyframes original shows frames without motion blur; leave it or --shutter out")
    if size:
        raise UsageError("--shutter draws at the model's own size; leave it or --size out")


def carried_of(source: Path, video: Video, timeline: Timeline, drawing: Drawing, output: str) -> Carried:
    """All that goes along with the frames that were asked for; what can't is said."""
    from tweenfield.video import Carried, container_for, losses

    carried = Carried(
        path=source,
        start=video.start,
        length=timeline.length,
        speed=timeline.speed,
        audio=drawing.audio,
        on_damage=lambda sentence: say(f"tweenfield: {sentence}"),
    )
    for sentence in losses(carried, container_for(output).holds):
        say(f"tweenfield: {output}: {sentence}")
    return carried


def size_to_expect(written: int, done: int, count: int) -> str:
    """How large the result will be, from what is written of it, as text; empty while too little is."""
    if done < 2 * _HELD_BACK:
        return ""
    megabytes = written / (done - _HELD_BACK) * count / 1e6
    return f"about {megabytes:.0f} MB" if megabytes >= 1 else ""


def say_written(facts: dict[str, Any], json: str | None, quiet: bool) -> None:
    """Tell what was written; not on stdout if that holds the result itself."""
    from tweenfield.video import is_stdout

    if json:
        print_json(facts, json)
    elif not quiet and not is_stdout(facts["written"]):
        shown = facts | {"rate": f"{float(Fraction(facts['rate'])):.6g} fps"}
        if "expected" in facts:
            shown["expected"] = facts["expected"]["summary"] if facts["expected"] else UNKNOWN
        print_facts(shown)


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


def show_settings(verbose: bool, *used: object) -> None:
    """Tell what is used, recipes part by part, if asked to."""
    if not verbose:
        return
    from tweenfield.fitting.recipe import Recipe

    for each in used:
        recipe = each if isinstance(each, Recipe) else None
        parts = (recipe.field, recipe.objective, recipe.fit, recipe.teacher) if recipe else (each,)
        for part in parts:
            if part is not None:
                say(repr(part))
