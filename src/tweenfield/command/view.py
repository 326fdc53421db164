"""The command that opens the viewer."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tweenfield.command import actions
from tweenfield.command.console import check_json, print_json, say
from tweenfield.command.options import Settings, takes_groups
from tweenfield.errors import UsageError

if TYPE_CHECKING:
    from tweenfield import FitResult
    from tweenfield.viewer.session import Session

# Of the settings these say what to read or how to answer; the others, how to fit.
_NO_FIT = {
    "frames",
    "since",
    "until",
    "input_fps",
    "size",
    "deinterlace",
    "device",
    "json",
    "quiet",
    "verbose",
}


@takes_groups
def view(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="CLIP|MODEL.tween|DIR",
            help="A clip, which is fitted, a model, or what 'eval -o DIR' left.",
            show_default=False,
        ),
    ],
    others: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[OTHER.tween]...",
            help="Models of the same frames, to compare with.",
            show_default=False,
        ),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(metavar="IN", help="The video of a model, to show observed frames.", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 is any free port.")] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page, or only print its address.")
    ] = True,
    *,
    settings: Settings,
) -> None:
    """Look at a field at any time in the browser, beside observed frames, baselines or other models."""
    from tweenfield.evaluation.folder import is_evaluation
    from tweenfield.fitting.model_file import load
    from tweenfield.viewer.opening import Viewer, check_installed

    check_installed()
    check_json(settings.json)
    evaluated = is_evaluation(source)
    model = source.suffix == ".tween" and not evaluated
    if evaluated and (video is not None or settings.frames or settings.size):
        raise UsageError(f"{source} holds its own frames; leave out --video, --frames and --size")
    _check(model or evaluated, video, settings)
    compared = {other.name: load(other) for other in others or []}
    if len(compared) != len(others or []):
        raise UsageError("two models have the same name; rename one, as they are told apart by it")
    if evaluated:
        opened = _of_evaluation(source, compared, settings)
    elif model:
        opened = _of_model(source, video, compared, settings)
    else:
        opened = _of_clip(source, compared, settings)

    def ready(address: str) -> None:
        if settings.json:
            print_json({"address": address}, settings.json)
        else:
            print(address, flush=True)
        say("tweenfield: Ctrl-C ends the viewer", quiet=settings.quiet)
        if browser:
            import webbrowser

            webbrowser.open(address)

    if not Viewer(opened, port=port).serve(ready):
        sys.stdout.flush()
        os._exit(0)


def _check(model: bool, video: Path | None, settings: Settings) -> None:
    """Refuse flags that would do nothing."""
    given, usual = asdict(settings), asdict(Settings())
    fitting = [name for name in given if name not in _NO_FIT and given[name] != usual[name]]
    if model and fitting:
        raise UsageError(f"a model is fitted already; leave out {_flag(fitting[0])}")
    if model and video is None and (settings.frames or settings.size):
        raise UsageError("--frames and --size say how to read a video; add --video, or leave them out")
    if not model and video is not None:
        raise UsageError("--video serves a model; leave it out, or give MODEL.tween in place of the clip")


def _of_model(
    source: Path, video: Path | None, compared: dict[str, FitResult], settings: Settings
) -> Session:
    from tweenfield.fitting.device import resolve_device
    from tweenfield.fitting.model_file import load
    from tweenfield.viewer.session import Session
    from tweenfield.viewer.shell import Shell

    result = load(source)
    for each in (result, *compared.values()):
        each.field.to(resolve_device(settings.device.value))
    size = settings.size or "{}x{}".format(*result.source.size)
    observed = actions.read_whole(video, replace(settings, size=size)) if video else None
    return Session(observed, result, others=compared, shell=Shell(source=str(source)))


def _of_evaluation(folder: Path, compared: dict[str, FitResult], settings: Settings) -> Session:
    from tweenfield.evaluation.folder import MODEL, load_evaluation
    from tweenfield.fitting.device import resolve_device
    from tweenfield.viewer.session import Session
    from tweenfield.viewer.shell import Shell

    result, split = load_evaluation(folder)
    for each in (result, *compared.values()):
        each.field.to(resolve_device(settings.device.value))
    return Session(
        split.observed, result, others=compared, shell=Shell(source=str(folder / MODEL)), split=split
    )


def _of_clip(source: Path, compared: dict[str, FitResult], settings: Settings) -> Session:
    from tweenfield.flow import Dis, Flow, estimate_flow, provider
    from tweenfield.video import parse_frames
    from tweenfield.viewer.session import Session
    from tweenfield.viewer.shell import Shell

    recipe = actions.recipe_of(settings)
    video = actions.read(source, settings)
    actions.show_settings(settings.verbose, video, recipe)
    estimator = provider(settings.flow)
    # Flow from files is read now, so that a wrong path is said here and not on the page.
    given = None if estimator else actions.given_flow(settings.flow, video)

    def flow() -> Flow:
        return given or estimate_flow(video, estimator or Dis())

    chosen = parse_frames(settings.frames or ":")
    first, step = chosen.start or 0, chosen.step or 1
    known = first >= 0 and not (settings.since or settings.until)
    return Session(
        video,
        others=compared,
        flow=flow,
        recipe=recipe,
        device=settings.device.value,
        shell=Shell(source=str(source), flags=_flags(settings), frames=(first, step) if known else None),
    )


def _flags(settings: Settings) -> tuple[str, ...]:
    """What was given besides the defaults, but --frames, as words of a command line."""
    usual = asdict(Settings())
    left_out = {"frames", "json", "quiet", "verbose"}
    words: list[str] = []
    for name, value in asdict(settings).items():
        if name not in left_out and value != usual[name]:
            words += [_flag(name), str(getattr(value, "value", value))]
    return tuple(words)


def _flag(name: str) -> str:
    words = {"since": "from", "until": "to"}.get(name, name)
    return "--" + words.strip("_").replace("_", "-")
