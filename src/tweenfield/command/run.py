"""The command that does all at once: fit, draw and write, for one video or for many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tweenfield.command import actions, companions, trust
from tweenfield.command.batch import Job, jobs_of, one_by_one, run_all, say_results
from tweenfield.command.cluster import spread
from tweenfield.command.console import Stages, check_json, say, stages
from tweenfield.command.options import Ins, Keyframes, Settings, VideoOut, takes_groups
from tweenfield.command.pipes import from_stdin
from tweenfield.command.run_options import Running
from tweenfield.errors import OutputError, TweenfieldError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from tweenfield import Expectation, FitResult, Flow, Look, Recipe, Timeline, Video
    from tweenfield.command.cluster.tasks import Cluster

# What a run keeps of its fit, beside the pieces of the video.
_FIT, _CHECKPOINT, _NOTED = "fit.tween", "fit.checkpoint.tween", "expected.jsonl"


@takes_groups
def run(sources: Ins, output: VideoOut, *, drawing: Running, settings: Settings) -> None:
    """Fit a field to a video and render it at another frame rate or speed; by default at twice the rate.

    A run that was stopped goes on where it was when the same command is given again.
    """
    check_json(settings.json)
    with from_stdin(sources) as named:
        jobs = jobs_of(named, output)
        if jobs is None and drawing.ray:
            spread.check_spread(output)
        with spread.joined(drawing.ray) as cluster:
            if jobs is None:
                facts = run_one(Job(Path(named[0]), output), drawing, settings, cluster)
            elif cluster is None:
                each = one_by_one(
                    lambda job: run_one(job, trust.of_one(drawing, job.output), settings), settings.quiet
                )
                results = run_all(jobs, output, each)
            else:
                results = run_all(jobs, output, spread.clips_elsewhere(cluster, drawing, settings))
        if jobs is None:
            actions.say_written(facts, settings.json, settings.quiet)
        else:
            say_results(results, settings)


def run_one(job: Job, drawing: Running, settings: Settings, cluster: Cluster | None = None) -> dict[str, Any]:
    """Make one video of another, its pieces on a cluster if there is one; returns what to tell of it."""
    from tweenfield.storage.aside import Meanwhile
    from tweenfield.storage.atomic import reason
    from tweenfield.storage.unfinished import place_of, unfinished
    from tweenfield.video import check_output, is_stdout, parse_color

    source, output = job
    encoding = actions.encoding_of(drawing)
    check_output(output, inputs=[source], encoding=encoding)
    actions.check_shutter(drawing.shutter, drawing.keyframes)
    parse_color(drawing.background)
    if drawing.with_ and drawing.shutter:
        raise UsageError("--shutter draws the field alone; leave it or --with out")

    def checked() -> Recipe:
        recipe = actions.recipe_of(settings)
        trust.check_trust(drawing, recipe, source)
        companions.between_of(drawing.with_, recipe)
        return recipe

    # PyTorch takes as long to load as a short clip takes to read, and more.
    wanted = Meanwhile(checked)
    video = actions.read_whole(source, settings, wanted.check)
    if video.alpha is not None:
        video = actions.kept_or_laid_over(video, wanted(), output, drawing)
    video, shots = actions.without_repeats(
        video, drawing.repeats, settings.quiet, spread.compared_elsewhere(cluster) if cluster else None
    )
    transparent = video.alpha is not None
    timeline = actions.timeline_of(video, drawing)
    uneven = timeline.shown is not None
    check_output(
        output,
        inputs=[source],
        rate=timeline.rate,
        encoding=encoding,
        transparent=transparent,
        uneven=uneven,
    )
    look = actions.look_of(
        video,
        timeline,
        actions.carried_of(source, video, timeline, drawing, output),
        drawing,
        transparent=transparent,
    )
    actions.say_reduced(output, video.size, look)
    with stages(settings.quiet) as on_stage:
        flow = actions.flow_of(settings.flow, video, on_stage)
        # After two in a row the others follow in a thread, while PyTorch still loads.
        for k in range(min(2, len(flow.forward))):
            flow.forward[k]
        recipe = wanted()
        actions.show_settings(settings.verbose, video, recipe)

        def made(folder: Path | None, cluster: Cluster | None) -> list[Expectation] | None:
            return _make(
                output,
                video,
                flow,
                timeline,
                shots,
                look,
                drawing,
                settings,
                recipe,
                folder,
                on_stage,
                cluster,
            )

        if is_stdout(output):
            expected = made(None, None)
        else:
            try:
                with unfinished(output, _key(source, drawing, settings, recipe)) as part:
                    _say_resumed(output, resumed=part.resumed, other=part.other, quiet=settings.quiet)
                    try:
                        expected = made(part.folder, cluster)
                    except OutputError as error:
                        if not isinstance(error.__cause__, OSError) or not part.begun:
                            raise
                        raise OutputError(
                            f"{output} can't be written: {reason(error.__cause__)}; what is done is kept, "
                            "and the same command goes on from here"
                        ) from error
            except KeyboardInterrupt as error:
                goes_on = ", and the same command goes on from here" if place_of(output).exists() else ""
                raise TweenfieldError(f"stopped by Ctrl-C; {output} was not written{goes_on}") from error
    return {
        "written": output,
        "frames": len(timeline),
        "rate": str(timeline.rate),
        "expected": trust.as_json(expected, blurred=drawing.shutter is not None),
    }


def _make(
    output: str,
    video: Video,
    flow: Flow,
    timeline: Timeline,
    shots: list[int],
    look: Look,
    drawing: Running,
    settings: Settings,
    recipe: Recipe,
    folder: Path | None,
    on_stage: Stages,
    cluster: Cluster | None,
) -> list[Expectation] | None:
    """Fit, draw and write; what ``folder`` holds of it isn't done again. Returns what to expect, if known."""
    from tweenfield.video import write_in_pieces, written_in_pieces

    result = _fitted(video, flow, settings, recipe, folder, on_stage)
    companion = companions.companion_of(drawing.with_, result, video, flow, on_stage, settings.quiet)
    drawn = actions.drawer(
        result,
        timeline,
        keyframes=video if drawing.keyframes is Keyframes.original else None,
        shutter=drawing.shutter,
        doubtful=drawing.doubtful,
        companion=companion,
    )
    count, expected = len(timeline), None

    def size_so_far(done: int) -> str:
        return actions.size_to_expect(written_in_pieces(folder), done, count) if folder else ""

    with trust.maps_folder(drawing.error_maps) as maps:
        kept = folder / _NOTED if folder else None
        watched = trust.Trust(result.field, timeline, maps, kept) if result.field.expects_error else None

        def shown(begin: int, end: int) -> Iterator[np.ndarray]:
            frames = drawn(begin, end)
            frames = watched.watch(begin, frames) if watched else frames
            return on_stage.count("render", frames, count, size_so_far, begun=begin)

        elsewhere = None
        if cluster is not None and folder is not None:
            elsewhere = spread.drawn_elsewhere(
                cluster,
                spread.Pieces(
                    output=output,
                    video=video,
                    model=(folder / _FIT).read_bytes(),
                    flow=settings.flow,
                    timeline=timeline,
                    look=look,
                    drawing=drawing,
                    companion=companion,
                    device=spread.device_of(cluster, settings.device),
                ),
                watched,
                lambda done: on_stage("render", done, count, size_so_far(done)),
            )
        write_in_pieces(output, shown, count, video.size, look, folder, elsewhere, timeline.shots(shots))
        if watched:
            expected = watched.all()
    if expected is not None and drawing.report:
        trust.report(drawing.report, result.field, expected, timeline, output)
    return expected


def _fitted(
    video: Video, flow: Flow, settings: Settings, recipe: Recipe, folder: Path | None, on_stage: Stages
) -> FitResult:
    """The fit, or that of an earlier run."""
    from tweenfield.fitting.loop import fit as fit_field
    from tweenfield.fitting.loop import resumed
    from tweenfield.fitting.model_file import load, save

    device = settings.device.value
    if folder is not None and (folder / _FIT).exists():
        return resumed(load(folder / _FIT), video, flow, device=device)
    checkpoint = folder / _CHECKPOINT if folder else None

    def keep(unfinished: FitResult) -> None:
        if checkpoint is not None:
            save(unfinished, checkpoint, observations=False)

    result = fit_field(
        video,
        flow,
        recipe,
        device=device,
        resume=load(checkpoint) if checkpoint and checkpoint.exists() else None,
        on_progress=actions.fit_progress(on_stage),
        on_checkpoint=keep,
    )
    if not result.finished:
        keep(result)
        raise KeyboardInterrupt
    if folder is not None and checkpoint is not None:
        save(result, folder / _FIT, observations=False)
        checkpoint.unlink(missing_ok=True)
    return result


def _key(source: Path, drawing: Running, settings: Settings, recipe: Recipe) -> str:
    """All that decides what is written, so that a run goes on with nothing that another one left."""
    from dataclasses import asdict
    from importlib.metadata import version

    files = sorted(source.iterdir()) if source.is_dir() else [source]
    told = asdict(settings) | dict.fromkeys(("json", "quiet", "verbose"))
    return json.dumps(
        [
            version("tweenfield"),
            [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files],
            asdict(drawing) | dict.fromkeys(("report", "error_maps", "ray")),
            told,
            recipe.settings,
        ]
    )


def _say_resumed(output: str, *, resumed: bool, other: bool, quiet: bool) -> None:
    if resumed:
        say(f"tweenfield: {output}: going on where the last run stopped", quiet=quiet)
    elif other:
        say(
            f"tweenfield: {output}: what an earlier run left is of another input or of other settings, "
            "and is dropped",
            quiet=quiet,
        )
