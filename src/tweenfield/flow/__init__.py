"""Optical flow: providers, files, and motion at any time."""

from tweenfield.flow.color import flow_to_color
from tweenfield.flow.deepflow import DeepFlow
from tweenfield.flow.dis import Dis
from tweenfield.flow.estimator import Flow, FlowEstimator, estimate_flow
from tweenfield.flow.farneback import Farneback
from tweenfield.flow.files import read_flow, write_flow
from tweenfield.flow.ptlflow import PtlFlow

# Every provider by the name that the command line uses; ptlflow:NAME is one for each of its networks.
PROVIDERS: dict[str, type[FlowEstimator]] = {"dis": Dis, "deepflow": DeepFlow, "farneback": Farneback}

__all__ = [
    "PROVIDERS",
    "DeepFlow",
    "Dis",
    "Farneback",
    "Flow",
    "FlowEstimator",
    "PtlFlow",
    "estimate_flow",
    "flow_to_color",
    "read_flow",
    "write_flow",
]
