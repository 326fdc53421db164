import re
from math import log10

import pytest
from fitting.fits import recipe

from tweenfield import Dis, draft, evaluate, replace
from tweenfield.evaluation.pictures import plots

TRANSPORT = replace(draft(), steps=20, width=4, hidden=2, crops=1, side=12)


@pytest.mark.parametrize("how", [TRANSPORT, recipe(steps=20)], ids=lambda how: how.field.name)
def test_progress_and_plot_of_a_fit_show_the_same_quantity_by_the_same_name(moving, how):
    remarks = []
    evaluation = evaluate(
        moving[0],
        Dis(),
        how,
        device="cpu",
        baselines={},
        on_stage=lambda stage, done, total, remark: remarks.append(remark) if stage == "fit" else None,
    )
    line = plots(evaluation).axes[1].lines[0]
    assert len(remarks) == len(line.get_ydata()) == 2
    for remark, drawn in zip(remarks, line.get_ydata(), strict=True):
        name, value, decibels = re.fullmatch(r"(.*) ([-\d.e]+), ([\d.]+) dB", remark).groups()
        assert name == line.get_label()
        assert float(value) == pytest.approx(drawn, rel=1e-3)
        # PSNR is the same squared error, as a mean over the three channels.
        assert float(decibels) == pytest.approx(-10 * log10(drawn / 3), abs=0.06)
