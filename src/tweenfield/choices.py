"""What users choose from by name, in Python and on the command line."""

from enum import Enum


class Audio(str, Enum):
    """What becomes of the sound: it follows the picture's speed at its own pitch, keeps its own, or goes."""

    stretch = "stretch"
    keep = "keep"
    none = "none"


class Deinterlace(str, Enum):
    """Pictures of two fields of different times are made into whole ones, or left."""

    auto = "auto"
    off = "off"


class Doubtful(str, Enum):
    """What becomes of a frame whose error to expect is large: it is drawn all the same, or the nearest
    observed frame is held, or its two neighbours are blended.
    """

    draw = "draw"
    hold = "hold"
    blend = "blend"


class End(str, Enum):
    """The output lasts as long as the input, its last frame held; or it ends where that frame begins."""

    hold = "hold"
    stop = "stop"


class Repeats(str, Enum):
    """Frames that repeat the one before are left out, and motion is made even; or they are kept."""

    retime = "retime"
    keep = "keep"


class Timing(str, Enum):
    """Output frames at a constant rate; or each observed frame at its own time, others evenly in between."""

    constant = "constant"
    source = "source"
