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


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark"])
def test_text_and_marks_stand_out(scheme):
    for pairs, least in ((TEXT, 4.5), (MARKS, 3)):
        for names in pairs.split():
            dark, light = sorted(luminance(scheme[name]) for name in names.split("/"))
            assert (light + 0.05) / (dark + 0.05) >= least, names
