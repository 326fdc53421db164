"""The command line. It calls the public API only; everything heavy is imported by the command that needs it."""

from __future__ import annotations

import os
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Optional

import typer
from typer.core import TyperGroup

from tweenfield.console import Stages, print_facts, print_json, print_scores, say, stages
from tweenfield.errors import FlowError, ModelFileError, TweenfieldError, UsageError

if TYPE_CHECKING:
    from fractions import Fraction

    import click

    from tweenfield import FitResult, Flow, FlowEstimator, Recipe, Timeline, Video


class _Commands(TyperGroup):
    """Turns every expected failure into one sentence on stderr and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TweenfieldError as error:
            _fail(str(error), error.exit_status)
        except KeyboardInterrupt:
            _fail("stopped by Ctrl-C; nothing was written", 1)
        except MemoryError:
            _fail("not enough memory; choose a smaller --size or fewer --frames", 1)


def _fail(message: str, status: int) -> NoReturn:
    say(f"tweenfield: {message}")
    sys.exit(status)


class Device(str, Enum):
    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class FieldName(str, Enum):
    transport = "transport"
    siren = "siren"


class PresetName(str, Enum):
    draft = "draft"
    standard = "standard"
    paper = "paper"
    paper_experiments = "paper-experiments"


class Keyframes(str, Enum):
    original = "original"
    rendered = "rendered"


FIT, DRAW, INPUT = "How to fit", "What to draw", "What to read"

# Each flag once; the commands below pick those they need.
In = Annotated[Path, typer.Argument(metavar="IN", help="A video, or a folder of images.", show_default=False)]
Out = Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="Where the result goes.", show_default=False)]
VideoOut = Annotated[
    str,  # not a Path, which would lose the / that says "a folder"
    typer.Option(
        "-o", "--output", metavar="OUT", show_default=False, help="NAME.mp4, .mkv, .webm or .gif, or a folder for PNGs."
    ),
]
Frames = Annotated[
    Optional[str],
    typer.Option(metavar="A:B[:STEP]", help="Use these frames only, as a Python slice.", rich_help_panel=INPUT),
]
Size = Annotated[
    Optional[str], typer.Option(metavar="HxW", help="Resize to this height and width.", rich_help_panel=INPUT)
]
Fps = Annotated[
    Optional[str],
    typer.Option(metavar="RATE", help="Frame rate to play at: 2x, 60, 60000/1001.", rich_help_panel=DRAW),
]
Slow = Annotated[
    Optional[str], typer.Option(metavar="FACTOR", help="Play this much slower: 4x.", rich_help_panel=DRAW)
]
KeyframesOption = Annotated[
    Keyframes,
    typer.Option("--keyframes", help="Observed frames as the field draws them, or as they came.", rich_help_panel=DRAW),
]
FieldOption = Annotated[
    Optional[FieldName],
    typer.Option(
        "--field", help="The function that is fitted: transport; siren with the paper's presets.", rich_help_panel=FIT
    ),
]
PresetOption = Annotated[
    PresetName, typer.Option("--preset", help="How much work to put in.", rich_help_panel=FIT)
]
FlowOption = Annotated[
    str,
    typer.Option(
        "--flow", metavar="FLOW", help="dis, deepflow, farneback, or a file or folder of flow.", rich_help_panel=FIT
    ),
]
Lambda = Annotated[
    Optional[float], typer.Option("--lambda", help="Share of the flow constraint, 0 to 1.", rich_help_panel=FIT)
]
Steps = Annotated[Optional[int], typer.Option(help="Steps of the fit.", rich_help_panel=FIT)]
Width = Annotated[Optional[int], typer.Option(help="Neurons of a hidden layer.", rich_help_panel=FIT)]
Depth = Annotated[Optional[int], typer.Option(help="Hidden layers.", rich_help_panel=FIT)]
Omega = Annotated[Optional[float], typer.Option(help="Frequency of the sines.", rich_help_panel=FIT)]
TimeStep = Annotated[
    Optional[float],
    typer.Option(help="Length of a frame interval inside the network; smaller ties frames closer.", rich_help_panel=FIT),
]
Seed = Annotated[Optional[int], typer.Option(help="Another draw of all that is random.", rich_help_panel=FIT)]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where to compute.")]
Json = Annotated[
    Optional[str], typer.Option(metavar="FILE", help="Write the result as JSON; - is stdout.", show_default=False)
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say which settings are used.")]

app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Frames between frames, drawn from one continuous function fitted to your video.",
    epilog="Try it: tweenfield run clip.mp4 -o smooth.mp4 --fps 2x",
)


def main() -> None:
    """Entry point of the ``tweenfield`` command."""
    # Read when PyTorch loads. Threads that wait by spinning make a fit ten times slower on busy cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app(prog_name="tweenfield")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"tweenfield {version('tweenfield')}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")] = False,
) -> None:
    pass


@app.command()
def run(
    source: In,
    output: VideoOut,
    fps: Fps = None,
    slow: Slow = None,
    keyframes: KeyframesOption = Keyframes.rendered,
    field: FieldOption = None,
    preset: PresetOption = PresetName.standard,
    flow: FlowOption = "dis",
    lambda_: Lambda = None,
    steps: Steps = None,
    width: Width = None,
    depth: Depth = None,
    omega: Omega = None,
    time_step: TimeStep = None,
    seed: Seed = None,
    frames: Frames = None,
    size: Size = None,
    device: DeviceOption = Device.auto,
    json: Json = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Fit a video and draw it at another frame rate or speed: twice the rate unless told otherwise."""
    from tweenfield.fit import fit as fit_field
    from tweenfield.video import check_output, output_timeline

    recipe = _recipe(preset, field, weight=lambda_, steps=steps, width=width, depth=depth, omega=omega, time_step=time_step, seed=seed)
    check_output(output, inputs=[source])
    video = _read(source, frames, size)
    timeline = output_timeline(video, fps=fps or (None if slow else "2x"), slow=slow)
    check_output(output, inputs=[source], rate=timeline.rate)
    _show_settings(verbose, video, recipe)
    with stages(quiet) as on_stage:
        result = fit_field(
            video,
            _flow(flow, video, on_stage),
            recipe,
            device=device.value,
            on_progress=_fit_progress(on_stage),
        )
        if not result.finished:
            raise KeyboardInterrupt
        _draw(result, timeline, output, on_stage, keyframes=video if keyframes is Keyframes.original else None)
    _written(output, len(timeline), timeline.rate, json, quiet)


@app.command()
def fit(
    source: In,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="MODEL.tween", help="The model file.", show_default=False)],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the fit that MODEL.tween holds.")] = False,
    field: FieldOption = None,
    preset: PresetOption = PresetName.standard,
    flow: FlowOption = "dis",
    lambda_: Lambda = None,
    steps: Steps = None,
    width: Width = None,
    depth: Depth = None,
    omega: Omega = None,
    time_step: TimeStep = None,
    seed: Seed = None,
    frames: Frames = None,
    size: Size = None,
    device: DeviceOption = Device.auto,
    json: Json = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Fit a field to a video and keep it. Ctrl-C keeps what was fitted so far; --resume goes on with it."""
    from tweenfield.files import check_target
    from tweenfield.fit import fit as fit_field
    from tweenfield.model_file import header, load, save

    recipe = _recipe(preset, field, weight=lambda_, steps=steps, width=width, depth=depth, omega=omega, time_step=time_step, seed=seed)
    check_target(output, inputs=[source])
    # Beside the model, so that an older finished one stays until this fit ends.
    checkpoint = output.with_name(output.name + ".checkpoint")
    before = None
    if resume:
        before = load(checkpoint if checkpoint.exists() else output)
    video = _read(source, frames, size)
    _show_settings(verbose, video, recipe)
    with stages(quiet) as on_stage:
        result = fit_field(
            video,
            _flow(flow, video, on_stage),
            recipe,
            device=device.value,
            resume=before,
            on_progress=_fit_progress(on_stage),
            on_checkpoint=lambda unfinished: save(unfinished, checkpoint),
        )
    save(result, output)
    checkpoint.unlink(missing_ok=True)
    if not result.finished:
        _fail(f"stopped by Ctrl-C at step {result.step} of {result.steps}; {output} holds what was fitted so far, and --resume goes on", 1)
    facts = {"written": str(output), "psnr_observed_estimate": result.history[-1].psnr_observed, "seconds": result.seconds}
    if json:
        print_json({**facts, **header(result)}, json)
    elif not quiet:
        print_facts({"written": output, "observed PSNR": f"about {result.history[-1].psnr_observed:.1f} dB"})


@app.command()
def render(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tween", help="What 'fit' wrote.", show_default=False)],
    output: VideoOut,
    fps: Fps = None,
    slow: Slow = None,
    size: Annotated[Optional[str], typer.Option(metavar="HxW", help="Draw at this height and width.", rich_help_panel=DRAW)] = None,
    keyframes: KeyframesOption = Keyframes.rendered,
    video: Annotated[
        Optional[Path],
        typer.Option(metavar="IN", help="The fitted video, for --keyframes original.", rich_help_panel=DRAW),
    ] = None,
    frames: Frames = None,
    device: DeviceOption = Device.auto,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Draw a model at another frame rate, speed or size: twice the rate unless told otherwise."""
    from tweenfield.fit import Source, resolve_device
    from tweenfield.model_file import load
    from tweenfield.video import check_output, output_timeline, parse_size

    check_output(output, inputs=[model, *([video] if video else [])])
    originals = None
    result = load(model)
    if keyframes is Keyframes.original:
        if video is None:
            raise UsageError("--keyframes original needs the observed frames; add --video IN, and --frames as for the fit")
        originals = _read(video, frames, "{}x{}".format(*result.source.size))
        if Source.of(originals).digest != result.source.digest:
            raise UsageError(f"{video}: these are not the frames that {model} was fitted to; give the same video and --frames")
    result.field.to(resolve_device(device.value))
    timeline = output_timeline(result.source, fps=fps or (None if slow else "2x"), slow=slow)
    with stages(quiet) as on_stage:
        _draw(result, timeline, output, on_stage, keyframes=originals, size=parse_size(size) if size else None)
    _written(output, len(timeline), timeline.rate, json, quiet)


@app.command(name="eval")
def eval_(
    source: In,
    stride: Annotated[int, typer.Option(help="Observe every n-th frame, hide and score the others.")] = 2,
    output: Annotated[
        Optional[Path],
        typer.Option("-o", "--output", metavar="DIR", help="Leave the drawn video, pictures and plots here.", show_default=False),
    ] = None,
    baselines: Annotated[bool, typer.Option("--baselines/--no-baselines", help="Score the baselines too.")] = True,
    field: FieldOption = None,
    preset: PresetOption = PresetName.standard,
    flow: FlowOption = "dis",
    lambda_: Lambda = None,
    steps: Steps = None,
    width: Width = None,
    depth: Depth = None,
    omega: Omega = None,
    time_step: TimeStep = None,
    seed: Seed = None,
    frames: Frames = None,
    size: Size = None,
    device: DeviceOption = Device.auto,
    json: Json = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Hide frames, fit the rest and score the hidden ones: what to expect on your clip."""
    from tweenfield.baselines import BASELINES
    from tweenfield.evaluate import evaluate, hide

    recipe = _recipe(preset, field, weight=lambda_, steps=steps, width=width, depth=depth, omega=omega, time_step=time_step, seed=seed)
    if output is not None:
        from tweenfield.files import check_target

        check_target(output, inputs=[source], folder=True)
    video = _read(source, frames, size)
    _show_settings(verbose, video, recipe)
    with stages(quiet) as on_stage:
        evaluation = evaluate(
            video,
            _provider(flow) or _read_flow(flow, hide(video, stride).observed),
            recipe,
            stride=stride,
            device=device.value,
            baselines=BASELINES if baselines else (),
            on_stage=on_stage,
        )
        if output is not None:
            from tweenfield.pictures import save_evaluation

            save_evaluation(evaluation, output, on_stage.count)
    values = evaluation.as_json()
    if json:
        print_json(values, json)
    if json != "-":
        rows = [(values["field"], values["psnr_held_out"], values["ssim_held_out"])]
        rows += [(name, b["psnr_held_out"], b["ssim_held_out"]) for name, b in values["baselines"].items()]
        title = f"{values['clip']}: {values['held_out']} held-out frames of {video.size[0]}x{video.size[1]}, protocol tweenfield"
        print_scores(rows, title)
        if output is not None:
            print_facts({"pictures": output})


@app.command()
def flow(
    source: In,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="A new folder.", show_default=False)],
    flow: FlowOption = "dis",
    frames: Frames = None,
    size: Size = None,
    quiet: Quiet = False,
) -> None:
    """Optical flow between every two frames, as .flo files and pictures; --flow DIR reads them back."""
    from tweenfield.files import check_target
    from tweenfield.flow import write_flow

    check_target(output, inputs=[source], folder=True)
    video = _read(source, frames, size)
    with stages(quiet) as on_stage:
        write_flow(_flow(flow, video, on_stage), output)
    if not quiet:
        print_facts({"written": output, "intervals": len(video) - 1})


@app.command()
def info(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A video, a folder of images, or a model.", show_default=False)],
    json: Json = None,
) -> None:
    """What a video or a model file holds."""
    from dataclasses import asdict

    if source.suffix in (".tween", ".checkpoint"):
        from tweenfield.model_file import header, load

        values = header(load(source))
        values["steps_taken"] = values.pop("step")
        shown = {
            "model": source,
            "field": ", ".join(f"{name} {value}" for name, value in values["field"].items()),
            "video": values["source"]["name"],
            "frames": f"{len(values['source']['times'])} of {{}}x{{}}".format(*values["source"]["size"]),
            "rate": values["source"]["rate"],
            "preset": values["recipe"]["name"],
            "flow": values["flow"],
            "steps": f"{values['steps_taken']} of {values['steps']} in {values['seconds']:.0f} s",
        }
    else:
        from tweenfield.video import describe_video

        shown = asdict(describe_video(source))
        values = {name: str(value) if hasattr(value, "numerator") and not isinstance(value, int) else value for name, value in shown.items()}
    if json:
        print_json(values, json)
    else:
        print_facts(shown)


def _recipe(preset: PresetName, field: FieldName | None, **changes: Any) -> Recipe:
    from tweenfield.presets import PRESETS, replace

    # Each preset has a field that it is for unless told otherwise: the paper's presets are the paper's field.
    chosen = PRESETS[preset.value]() if field is None else PRESETS[preset.value](field.value)
    return replace(chosen, **{name: value for name, value in changes.items() if value is not None})


def _read(source: Path, frames: str | None, size: str | None) -> Video:
    from tweenfield.video import parse_size, read_video

    return read_video(source, frames=frames, size=parse_size(size) if size else None)


def _provider(name: str) -> FlowEstimator | None:
    from tweenfield.flow import PROVIDERS

    return PROVIDERS[name]() if name in PROVIDERS else None


def _read_flow(path: str, video: Video) -> Flow:
    from tweenfield.flow import PROVIDERS, read_flow

    if not Path(path).exists():
        raise FlowError(f"{path}: there is no such flow; use {', '.join(PROVIDERS)}, or an existing file or folder")
    return read_flow(path, video)


def _flow(name: str, video: Video, on_stage: Stages) -> Flow:
    from tweenfield.flow import estimate_flow

    provider = _provider(name)
    if provider is None:
        return _read_flow(name, video)
    return estimate_flow(video, provider, on_progress=lambda done, total: on_stage("flow", done, total))


def _fit_progress(on_stage: Stages) -> Any:
    return lambda p: on_stage("fit", p.step, p.steps, f"loss {p.loss:.4f}, {p.psnr_observed:.1f} dB")


def _draw(
    result: FitResult, timeline: Timeline, output: str, on_stage: Stages, *, keyframes: Video | None, size: tuple[int, int] | None = None
) -> None:
    from tweenfield.render import render as render_field
    from tweenfield.video import write_video

    drawn = render_field(result.field, timeline.positions, size=size, keyframes=keyframes)
    write_video(
        output,
        on_stage.count("render", drawn, len(timeline.positions)),
        rate=timeline.rate,
        color=result.source.color,
        sample_aspect_ratio=result.source.sample_aspect_ratio,
    )


def _written(output: str, count: int, rate: Fraction, json: str | None, quiet: bool) -> None:
    if json:
        print_json({"written": output, "frames": count, "rate": str(rate)}, json)
    elif not quiet:
        print_facts({"written": output, "frames": count, "rate": f"{float(rate):.6g} fps"})


def _show_settings(verbose: bool, video: Video, recipe: Recipe) -> None:
    if verbose:
        for part in (video, recipe.field, recipe.objective, recipe.fit):
            say(repr(part))
