"""Every experiment by the name that the command line uses; one file each."""

from tweenfield.bench.experiment import Experiment
from tweenfield.bench.experiments.clips import CLIPS
from tweenfield.bench.experiments.fig3 import FIG3
from tweenfield.bench.experiments.fig4a import FIG4A
from tweenfield.bench.experiments.fig4b import FIG4B
from tweenfield.bench.experiments.fig4c import FIG4C
from tweenfield.bench.experiments.fig4d import FIG4D
from tweenfield.bench.experiments.fig4e import FIG4E
from tweenfield.bench.experiments.fig7 import FIG7
from tweenfield.bench.experiments.table1 import TABLE1

EXPERIMENTS: dict[str, Experiment] = {
    "table1": TABLE1,
    "fig3": FIG3,
    "fig4a": FIG4A,
    "fig4b": FIG4B,
    "fig4c": FIG4C,
    "fig4d": FIG4D,
    "fig4e": FIG4E,
    "fig7": FIG7,
    "clips": CLIPS,
}

__all__ = ["EXPERIMENTS"]
