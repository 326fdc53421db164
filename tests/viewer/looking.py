"""A tiny fit to look at, and a viewer that serves it to a client that may see it."""

from contextlib import contextmanager
from fractions import Fraction

import httpx
import numpy as np
from conftest import to_8bit, waves

from tweenfield.fields import SirenConfig
from tweenfield.fitting.flow_constraint import FlowConstraint
from tweenfield.fitting.recipe import FitConfig, Recipe
from tweenfield.flow import Flow
from tweenfield.video import Video
from tweenfield.viewer.opening import Viewer


def tiny(steps=10):
    """A SIREN that is fitted in a moment."""
    return Recipe(
        name="test",
        field=SirenConfig(width=16, depth=2, omega=15.0, time_step=0.05),
        objective=FlowConstraint(weight=0.12, points=64),
        fit=FitConfig(steps=steps, learning_rate=3e-3),
    )


def clip(frames=5, height=40, width=60, name="waves.mp4"):
    pictures = np.stack([to_8bit(waves(height, width, 1.5 * k, -0.5 * k)) for k in range(frames)])
    times = tuple(Fraction(k, 25) for k in range(frames))
    return Video(frames=pictures, times=times, rate=Fraction(25), name=name)


def still(video):
    """Flow of no motion, which costs nothing."""
    flow = np.zeros((len(video) - 1, *video.size, 2), np.float32)
    return Flow(forward=flow, backward=flow, name="still")


@contextmanager
def serving(session):
    """The viewer, and a client that has opened its page."""
    with Viewer(session).start() as viewer, client_of(viewer) as client:
        assert client.get(viewer.address).status_code == 200
        yield viewer, client


def client_of(viewer):
    return httpx.Client(base_url=f"http://127.0.0.1:{viewer.port}", timeout=30)
