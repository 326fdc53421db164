"""The commands. They call the public API only and import what is heavy when they need it."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from tweenfield.command import actions, companions
from tweenfield.command.bench import bench
from tweenfield.command.console import check_json, print_facts, print_json, say, stages
from tweenfield.command.info import info
from tweenfield.command.options import (
    BaselineOption,
    FlowOption,
    In,
    LpipsOption,
    PlainCommand,
    PlainFlags,
    ProtocolOption,
    Quiet,
    Reading,
    Settings,
    Verbose,
    WithOption,
    check_name,
    takes_groups,
)
from tweenfield.command.render import render
from tweenfield.command.run import run
from tweenfield.command.view import view
from tweenfield.errors import TweenfieldError, UsageError

# What PyTorch, OpenCV, CUDA and threads say in place of raising MemoryError.
_NO_MEMORY = ("allocate memory", "Insufficient memory", "out of memory", "can't start new thread")


class _Commands(PlainFlags, TyperGroup):
    """Turns every expected failure into one sentence on stderr and an exit status."""

    def invoke(self, ctx: Any) -> Any:  # the context is click's, or that of the copy inside newer typers
        # A flag before the command's name is the default of the same flag after it.
        given = {name: True for name in ("quiet", "verbose") if ctx.params[name]}
        ctx.default_map = dict.fromkeys(self.commands, given)
        try:
            return super().invoke(ctx)
        except TweenfieldError as error:
            _fail(str(error), error.exit_status)
        except KeyboardInterrupt:
            _fail("stopped by Ctrl-C; the output was not written", 1)
        except BrokenPipeError:
            # Whoever read stdout has gone; Python would complain once more when it flushes it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
                _fail(f"{error.filename}: no file can have so long a name; choose a shorter one", 1)
            if not isinstance(error, MemoryError) and not any(said in str(error) for said in _NO_MEMORY):
                raise
            _fail("not enough memory; choose a smaller --size or fewer --frames", 1)


def _fail(message: str, status: int) -> NoReturn:
    if _terminated.is_set():
        # 128 and the signal's number, as shells have it.
        message, status = message.replace("Ctrl-C", "SIGTERM"), 128 + signal.SIGTERM
    say(f"tweenfield: {message}")
    sys.exit(status)


# Set once SIGTERM has come, which is taken for Ctrl-C: the work ends at a point where it can go on.
_terminated = threading.Event()


def _terminate(number: int, frame: Any) -> None:
    _terminated.set()
    on_ctrl_c = signal.getsignal(signal.SIGINT)
    if not callable(on_ctrl_c):  # as where a shell started this in the background
        raise KeyboardInterrupt
    on_ctrl_c(signal.SIGINT, frame)


def _come_again(ignored: Any) -> None:
    """Python can't raise Ctrl-C within a callback of C, as while loops are compiled; it only says so."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        number = signal.SIGTERM if _terminated.is_set() else signal.SIGINT
        main_thread = threading.main_thread().ident
        threading.Timer(0.05, signal.pthread_kill, [main_thread, number]).start()
    else:
        sys.__unraisablehook__(ignored)


# M_ARENA_MAX of glibc's malloc.h.
_HEAPS = -8

app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Frames between frames, drawn from one continuous function fitted to your video.",
    epilog="Try it: tweenfield run clip.mp4 -o smooth.mp4 --fps 2x",
)


def _share_memory() -> None:
    """Have all threads take memory from one heap. By default glibc has one for each thread, which also holds
    what others could use: 300 MiB at 1080p.
    """
    # Other systems have no such function, or no such setting.
    with suppress(AttributeError, TypeError, OSError):
        ctypes.CDLL(None).mallopt(_HEAPS, 1)


def main() -> None:
    """Entry point of the ``tweenfield`` command."""
    # Read when PyTorch loads. Threads that wait by spinning make a fit ten times slower on busy cores; those
    # that fall asleep at once, on idle ones.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    # What is wrong with an image is said once, by this program.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    _share_memory()
    _terminated.clear()
    before = signal.signal(signal.SIGTERM, _terminate)
    unraisable, sys.unraisablehook = sys.unraisablehook, _come_again
    try:
        app(prog_name="tweenfield")
    except (KeyboardInterrupt, SystemExit) as stop:
        # Typer makes 130 of a Ctrl-C that comes while it still reads the arguments.
        if isinstance(stop, SystemExit) and stop.code != 130:
            raise
        _fail("stopped by Ctrl-C; the output was not written", 1)
    finally:
        signal.signal(signal.SIGTERM, before)
        sys.unraisablehook = unraisable


def _version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        print(f"tweenfield {version('tweenfield')}")
        raise typer.Exit
    return wanted


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    pass


app.command(cls=PlainCommand)(run)


@app.command(cls=PlainCommand)
@takes_groups
def fit(
    source: In,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="MODEL.tween", help="The model file.", show_default=False),
    ],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the checkpoint beside MODEL.tween.")
    ] = False,
    *,
    settings: Settings,
) -> None:
    """Fit a field to a video and save the model. Ctrl-C leaves a checkpoint for --resume."""
    from tweenfield.fitting.loop import fit as fit_field
    from tweenfield.fitting.model_file import header, load, save
    from tweenfield.storage.atomic import check_target

    recipe = actions.recipe_of(settings)
    if output.suffix != ".tween":
        raise UsageError(f"{output}: a model file ends in .tween; choose such a name")
    check_target(output, inputs=[source])
    check_json(settings.json)
    # Beside the model, so that an older finished one stays until this fit ends.
    checkpoint = output.with_suffix(".checkpoint" + output.suffix)
    if checkpoint.exists() and not resume:
        raise UsageError(f"{checkpoint}: this is an unfinished fit; go on with --resume, or remove it first")
    if resume and not checkpoint.exists():
        raise UsageError(f"{checkpoint}: there is no such file to go on with; leave out --resume")
    before = load(checkpoint) if resume else None
    read = actions.read_whole if recipe.field.draws_alpha else actions.read
    video = read(source, settings)
    actions.show_settings(settings.verbose, video, recipe)
    with stages(settings.quiet) as on_stage:
        result = fit_field(
            video,
            actions.flow_of(settings.flow, video, on_stage),
            recipe,
            device=settings.device.value,
            resume=before,
            on_progress=actions.fit_progress(on_stage),
            on_checkpoint=lambda unfinished: save(unfinished, checkpoint),
        )
    if not result.finished:
        save(result, checkpoint)
        _fail(
            f"stopped by Ctrl-C at step {result.step} of {result.steps}; {checkpoint} holds what was fitted "
            "so far and can be drawn, and --resume goes on",
            1,
        )
    save(result, output)
    checkpoint.unlink(missing_ok=True)
    if settings.json:
        print_json({"written": str(output), **header(result)}, settings.json)
    elif not settings.quiet:
        print_facts(
            {"written": output, "steps": result.steps, "last PSNR": f"{result.history[-1].psnr:.1f} dB"}
        )


app.command(cls=PlainCommand)(render)


@app.command(name="eval", cls=PlainCommand)
@takes_groups
def eval_(
    source: In,
    stride: Annotated[int, typer.Option(help="Observe every n-th frame, hide and score the others.")] = 2,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Leave the drawn video, pictures and plots here.",
            show_default=False,
        ),
    ] = None,
    baseline: BaselineOption = None,
    baselines: Annotated[
        bool, typer.Option("--baselines/--no-baselines", help="Score baselines too.")
    ] = True,
    protocol: ProtocolOption = "tweenfield",
    lpips: LpipsOption = None,
    with_: WithOption = None,
    *,
    settings: Settings,
) -> None:
    """Hold out frames, fit the others, draw and score the held-out ones: what to expect on your clip."""
    from tweenfield.baselines import DEFAULT_BASELINES, chosen
    from tweenfield.evaluation.evaluate import evaluate
    from tweenfield.evaluation.split import hide
    from tweenfield.flow import provider

    if baseline and not baselines:
        raise UsageError("--baseline and --no-baselines contradict each other; leave out one of them")
    others = chosen(baseline or DEFAULT_BASELINES) if baselines else {}
    check_name("protocol", protocol)
    recipe = actions.recipe_of(settings)
    measure, between = actions.lpips_of(lpips), companions.between_of(with_, recipe)
    check_json(settings.json)
    if output is not None:
        from tweenfield.storage.atomic import check_target

        check_target(output, inputs=[source], folder=True)
    video = actions.read(source, settings)
    actions.show_settings(settings.verbose, video, recipe)
    with stages(settings.quiet) as on_stage:
        evaluation = evaluate(
            video,
            provider(settings.flow) or actions.observed_flow(settings.flow, hide(video, stride)),
            recipe,
            stride=stride,
            device=settings.device.value,
            baselines=others,
            protocol=protocol,
            lpips=measure,
            between=between,
            on_stage=on_stage,
        )
        if output is not None:
            from tweenfield.evaluation.folder import save_evaluation

            save_evaluation(evaluation, output, on_stage.count)
    actions.say_scores(evaluation, settings.json)
    if output is not None and settings.json != "-":
        print_facts({"pictures": output})


app.command(cls=PlainCommand)(bench)
app.command(cls=PlainCommand)(info)
app.command(cls=PlainCommand)(view)


@app.command(cls=PlainCommand)
@takes_groups
def flow(
    source: In,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="A new folder.", show_default=False)
    ],
    flow: FlowOption = "dis",
    *,
    reading: Reading,
) -> None:
    """Optical flow between every two frames, as .flo files and pictures; --flow DIR reads them back."""
    from tweenfield.flow import write_flow
    from tweenfield.storage.atomic import check_target

    check_target(output, inputs=[source], folder=True)
    video = actions.read(source, reading)
    with stages(reading.quiet) as on_stage:
        found = actions.flow_of(flow, video, on_stage)
        actions.show_settings(reading.verbose, video, found)
        write_flow(found, output)
    if not reading.quiet:
        print_facts({"written": output, "intervals": len(video) - 1})
