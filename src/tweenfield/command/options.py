"""The flags of the command line, each once; the commands pick those they need."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from tweenfield.choices import Audio, Deinterlace, End, Timing
from tweenfield.errors import UsageError


class Device(str, Enum):
    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Keyframes(str, Enum):
    original = "original"
    rendered = "rendered"


# The tables in which names are looked up; they may hold more than the package's own.
_TABLES = {
    "field": "tweenfield.fitting.presets:RECIPES",
    "protocol": "tweenfield.evaluation.metrics:PROTOCOLS",
    "experiment": "tweenfield.bench.experiments:EXPERIMENTS",
}


def check_name(parameter: str, name: str) -> None:
    """Find out at once that a name isn't in the table of what a flag or an argument takes.

    Raises:
        UsageError: it isn't.
    """
    module, _, table = _TABLES[parameter].partition(":")
    names = getattr(import_module(module), table)
    if name not in names:
        raise UsageError(f"there is no {parameter} {name!r}; use {', '.join(names)}")


class PlainFlags:
    """A command whose help names no type after flags that take no value, where Typer would say <bool>."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # of what this is mixed into
        for flag in (p for p in params if getattr(p, "is_flag", False)):
            flag.metavar = ""
        return params


class PlainCommand(PlainFlags, TyperCommand):
    """What every command is made by."""


FIT, DRAW, INPUT, WRITE = "How to fit", "What to draw", "What to read", "What to write"

In = Annotated[Path, typer.Argument(metavar="IN", help="A video, or a folder of images.", show_default=False)]
Ins = Annotated[
    list[str],
    typer.Argument(
        metavar="IN",
        help="A video, a folder of images, or - for stdin; or several, patterns such as '*.mp4', and folders "
        "of videos.",
        show_default=False,
    ),
]
VideoOut = Annotated[
    str,  # not a Path, which would lose the / that says "a folder"
    typer.Option(
        "-o",
        "--output",
        metavar="OUT",
        show_default=False,
        help="NAME.mp4, .mov, .mkv, .webm, .gif or .y4m, a folder for PNGs, or - for stdout (-.y4m); "
        "of several inputs, the folder for their results.",
    ),
]
Frames = Annotated[
    str | None,
    typer.Option(
        metavar="A:B[:STEP]",
        help="Use these frames only: from A, before B, every STEP-th.",
        rich_help_panel=INPUT,
    ),
]
Since = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Begin at this time: 12.5 or 1:02.5.", rich_help_panel=INPUT),
]
Until = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="End before this time.", rich_help_panel=INPUT)
]
InputFps = Annotated[
    str | None,
    typer.Option(
        "--input-fps", metavar="RATE", help="Frame rate of a folder of images; 25.", rich_help_panel=INPUT
    ),
]
Size = Annotated[
    str | None, typer.Option(metavar="HxW", help="Resize to this height and width.", rich_help_panel=INPUT)
]
Fps = Annotated[
    str | None,
    typer.Option(metavar="RATE", help="Frame rate to play at: 2x, 60, 60000/1001.", rich_help_panel=DRAW),
]
Slow = Annotated[
    str | None, typer.Option(metavar="FACTOR", help="Play this much slower: 4x.", rich_help_panel=DRAW)
]
Speed = Annotated[
    str | None,
    typer.Option(
        metavar="POINTS",
        help='Speed over the input: "0:1x 2.5:0.25x 4:1x", seconds and how fast there.',
        rich_help_panel=DRAW,
    ),
]
Shutter = Annotated[
    float | None,
    typer.Option(
        metavar="DEGREES",
        help="Motion blur, as of a shutter open for this part of 360 degrees between frames: 180.",
        rich_help_panel=DRAW,
    ),
]
AudioOption = Annotated[
    Audio,
    typer.Option(
        "--audio",
        help="Sound: stretched along with slow motion, kept at its own speed, or none.",
        rich_help_panel=DRAW,
    ),
]
KeyframesOption = Annotated[
    Keyframes,
    typer.Option(
        "--keyframes",
        help="original: observed frames as they came; rendered: as the field draws them.",
        rich_help_panel=DRAW,
    ),
]
EndOption = Annotated[
    End,
    typer.Option(
        "--end",
        help="hold: as long as the input, the last frame held; stop: end where that begins.",
        rich_help_panel=DRAW,
    ),
]
TimingOption = Annotated[
    Timing,
    typer.Option(
        "--timing",
        help="constant: an even frame rate; source: observed frames at their own times, others in between.",
        rich_help_panel=DRAW,
    ),
]
CodecOption = Annotated[
    str | None,
    typer.Option(
        "--codec", metavar="NAME", help="h264, hevc, av1, vp9, prores or ffv1.", rich_help_panel=WRITE
    ),
]
Crf = Annotated[
    float | None,
    typer.Option("--crf", help="Quality: less is better and larger; 0 is the best.", rich_help_panel=WRITE),
]
PixelFormat = Annotated[
    str | None,
    typer.Option(
        "--pixel-format", metavar="NAME", help="FFmpeg's name: yuv420p, yuv444p.", rich_help_panel=WRITE
    ),
]
Background = Annotated[
    str,
    typer.Option(
        metavar="COLOR",
        help="What transparent parts are laid over where the output can't keep them: a name, or #rrggbb.",
        rich_help_panel=WRITE,
    ),
]
DeinterlaceOption = Annotated[
    Deinterlace,
    typer.Option(
        "--deinterlace",
        help="auto: interlaced video is made into whole pictures; off: it is left.",
        rich_help_panel=INPUT,
    ),
]
FieldOption = Annotated[
    str | None,
    typer.Option(
        "--field",
        metavar="NAME",
        help="The function that is fitted: transport (the default), patches, or siren (that of the paper).",
        rich_help_panel=FIT,
    ),
]
PresetOption = Annotated[
    str,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="How much work to put in: draft, standard; for siren also paper, paper-experiments.",
        rich_help_panel=FIT,
    ),
]
FlowOption = Annotated[
    str,
    typer.Option(
        "--flow",
        metavar="FLOW",
        help="dis, deepflow, farneback, ptlflow:NAME, or a file or folder of flow.",
        rich_help_panel=FIT,
    ),
]
Lambda = Annotated[
    float | None,
    typer.Option("--lambda", help="siren, patches: share of the flow constraint.", rich_help_panel=FIT),
]
Steps = Annotated[int | None, typer.Option(help="Steps of the fit.", rich_help_panel=FIT)]
Width = Annotated[
    int | None, typer.Option(help="Neurons or channels of a hidden layer.", rich_help_panel=FIT)
]
Depth = Annotated[int | None, typer.Option(help="Layers of the network.", rich_help_panel=FIT)]
Omega = Annotated[
    float | None, typer.Option(help="siren, patches: frequency of the sines.", rich_help_panel=FIT)
]
TimeStep = Annotated[
    float | None,
    typer.Option(
        help="siren, patches: length of a frame interval inside; smaller ties frames closer.",
        rich_help_panel=FIT,
    ),
]
MotionOption = Annotated[
    str | None,
    typer.Option(
        "--motion",
        metavar="[given|fitted]",
        help="siren, patches: the flow as it is given, or corrected by what is fitted with the field.",
        rich_help_panel=FIT,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(help="Number that decides all that is random; 0 if not given.", rich_help_panel=FIT),
]
BaselineOption = Annotated[
    list[str] | None,
    typer.Option(
        "--baseline",
        metavar="NAME[=...]",
        help="Compare with this, in place of blend, cubic and warp; may be repeated. A name, "
        "NAME=FOLDER of frames, or NAME='COMMAND {a} {b} {t} {out}'.",
        show_default=False,
    ),
]
WithOption = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="NAME[=...]",
        help="Mix another interpolator in where flow is in doubt, as far as it helps on frames hidden for a "
        "test: rife, rife-4.0, or NAME='COMMAND {a} {b} {t} {out}'.",
        show_default=False,
        rich_help_panel=DRAW,
    ),
]
ProtocolOption = Annotated[
    str,
    typer.Option(
        "--protocol",
        metavar="NAME",
        help="Whose way of measuring PSNR and SSIM: tweenfield, rife, film, softsplat, xvfi, cure or nsff.",
    ),
]
LpipsOption = Annotated[
    Path | None,
    typer.Option(
        "--lpips",
        metavar="PATH",
        help="Measure LPIPS too, with the weights in this folder or file.",
        show_default=False,
    ),
]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where to compute.")]
Json = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write the result as JSON; - is stdout.", show_default=False),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress; what is lost is said.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say which settings are used.")]


@dataclass(kw_only=True)
class Reading:
    """What to read of a video, and what to say on the way."""

    frames: Frames = None
    since: Since = None
    until: Until = None
    input_fps: InputFps = None
    size: Size = None
    deinterlace: DeinterlaceOption = Deinterlace.auto
    quiet: Quiet = False
    verbose: Verbose = False


@dataclass(kw_only=True)
class Settings(Reading):
    """What every command that fits takes: what to read, how to fit, where to compute."""

    field: FieldOption = None
    preset: PresetOption = "standard"
    flow: FlowOption = "dis"
    lambda_: Lambda = None
    steps: Steps = None
    width: Width = None
    depth: Depth = None
    omega: Omega = None
    time_step: TimeStep = None
    motion: MotionOption = None
    seed: Seed = None
    device: DeviceOption = Device.auto
    json: Json = None


@dataclass(kw_only=True)
class Writing:
    """How a result is encoded."""

    codec: CodecOption = None
    crf: Crf = None
    pixel_format: PixelFormat = None


@dataclass(kw_only=True)
class Drawing(Writing):
    """What ``run`` and ``render`` draw, and how it is written."""

    fps: Fps = None
    slow: Slow = None
    speed: Speed = None
    shutter: Shutter = None
    keyframes: KeyframesOption = Keyframes.rendered
    audio: AudioOption = Audio.stretch
    end: EndOption = End.hold
    timing: TimingOption = Timing.constant
    background: Background = "black"


def _ordered(group: Any) -> list[Any]:
    """The fields of a dataclass, its own before those of its bases."""
    classes = group.__mro__
    return sorted(fields(group), key=lambda f: next(k for k, c in enumerate(classes) if f.name in vars(c)))


def takes_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command with each field of its parameters that are dataclasses as a flag of its own."""
    own = inspect.signature(command, eval_str=True).parameters
    keyword = inspect.Parameter.KEYWORD_ONLY
    groups: dict[str, Any] = {n: p.annotation for n, p in own.items() if is_dataclass(p.annotation)}
    flags = {
        f.name: inspect.Parameter(f.name, keyword, default=f.default, annotation=f.type)
        for group in groups.values()
        for f in _ordered(group)
    }
    parameters = [p.replace(kind=keyword) for name, p in own.items() if name not in groups]

    @wraps(command)
    def with_flags(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{f.name: values.pop(f.name) for f in fields(group)})
        command(**values)

    # Typer reads the flags from here.
    signature = inspect.Signature([*parameters, *flags.values()])
    with_flags.__signature__ = signature  # type: ignore[attr-defined]  # PEP 362 lets a function have one
    with_flags.__annotations__ = {p.name: p.annotation for p in (*parameters, *flags.values())}
    return with_flags
