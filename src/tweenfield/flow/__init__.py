"""Frames in, optical flow out: providers, files, velocity at any time, observed frames with their flow."""

from collections.abc import Callable

from tweenfield.errors import UsageError
from tweenfield.flow.deepflow import DeepFlow
from tweenfield.flow.dis import Dis
from tweenfield.flow.estimator import Flow, FlowEstimator, estimate_flow
from tweenfield.flow.farneback import Farneback
from tweenfield.flow.files import read_flow, write_flow
from tweenfield.flow.observed import Observed
from tweenfield.flow.ptlflow import PtlFlow
from tweenfield.flow.wheel import flow_to_color

# Every provider by the name that the command line uses. What follows a colon is handed to it:
# ptlflow:gma:things.
PROVIDERS: dict[str, Callable[..., FlowEstimator]] = {
    "dis": Dis,
    "deepflow": DeepFlow,
    "farneback": Farneback,
    "ptlflow": PtlFlow,
}


def provider(text: str) -> FlowEstimator | None:
    """The provider that ``NAME`` or ``NAME:ARGUMENT:ARGUMENT`` stands for, if there is one of that name.

    Raises:
        UsageError: this provider takes no arguments, or fewer.
    """
    name, *arguments = text.split(":", 2)
    if name not in PROVIDERS:
        return None
    try:
        return PROVIDERS[name](*arguments)
    except TypeError as error:
        raise UsageError(f"flow {text!r}: {name} takes no such arguments; write {name}") from error


__all__ = [
    "PROVIDERS",
    "DeepFlow",
    "Dis",
    "Farneback",
    "Flow",
    "FlowEstimator",
    "Observed",
    "PtlFlow",
    "estimate_flow",
    "flow_to_color",
    "provider",
    "read_flow",
    "write_flow",
]
