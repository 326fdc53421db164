"""The page's colours can be told apart: WCAG 2.2 AA, 4.5 for text and 3 for marks and edges of controls."""

import re
from pathlib import Path

import pytest

from tweenfield.evaluation import page

STYLE = (Path(page.__file__).parent / "components" / "style.css").read_text()
ROOTS = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
SCHEMES = [dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in ROOTS]
TEXT = "ink/ground ink/raised soft/ground soft/raised on-accent/accent accent/raised ink/warn ground/ink"
MARKS = "edge/ground edge/raised observed/ground part/ground part/stage part/raised cut/ground accent/ground "
MARKS += "doubtful/ground s0/ground s1/ground s2/ground s3/ground s4/ground"


def luminance(color):
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("picture", [0, 255], ids=["black", "white"])
def test_text_over_a_picture_can_be_read(scheme, picture):
    *rgb, opacity = map(
        float, re.search(r"--chip: rgb\(([\d ]+) / ([.\d]+)\)", ROOTS[scheme]).expand(r"\1 \2").split()
    )
    ground = "#" + "".join(f"{round(opacity * c + (1 - opacity) * picture):02x}" for c in rgb)
    for text in ("ink", "accent"):
        assert contrast(SCHEMES[scheme][text], ground) >= 4.5, text


def test_every_colour_has_both_schemes():
    assert SCHEMES[0].keys() == SCHEMES[1].keys() and len(SCHEMES) == 2


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark"])
def test_text_and_marks_stand_out(scheme):
    for pairs, least in ((TEXT, 4.5), (MARKS, 3)):
        for names in pairs.split():
            assert contrast(*(scheme[name] for name in names.split("/"))) >= least, names
