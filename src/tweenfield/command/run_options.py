"""The flags that only ``run`` has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tweenfield.choices import Doubtful, Repeats
from tweenfield.command.options import DRAW, INPUT, WRITE, Drawing, WithOption

RepeatsOption = Annotated[
    Repeats,
    typer.Option(
        "--repeats",
        help="Frames that repeat the one before: left out, with the others at even times, or kept.",
        rich_help_panel=INPUT,
    ),
]
DoubtfulOption = Annotated[
    Doubtful,
    typer.Option(
        "--doubtful",
        help="Frames of which less than 30 dB are to be expected: drawn all the same, the nearest observed "
        "frame held, or its neighbours blended.",
        rich_help_panel=DRAW,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="DIR",
        help="Leave a page here: the PSNR to expect over time, and the most doubtful frames.",
        show_default=False,
        rich_help_panel=WRITE,
    ),
]
ErrorMaps = Annotated[
    Path | None,
    typer.Option(
        "--error-maps",
        metavar="DIR",
        help="Leave the error to expect at each pixel here, a PNG of 16 bits for each frame.",
        show_default=False,
        rich_help_panel=WRITE,
    ),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Work on the machines of the Ray cluster at HOST:PORT; local: in processes of this one.",
        show_default=False,
    ),
]


@dataclass(kw_only=True)
class Running(Drawing):
    """The same for ``run``."""

    repeats: RepeatsOption = Repeats.retime
    with_: WithOption = None
    doubtful: DoubtfulOption = Doubtful.draw
    report: Report = None
    error_maps: ErrorMaps = None
    ray: RayOption = None
