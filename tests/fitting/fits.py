"""Short fits of a SIREN, and how to interrupt one."""

import os
import signal

import torch

from tweenfield.fields import SirenConfig
from tweenfield.fitting.flow_constraint import FlowConstraint
from tweenfield.fitting.recipe import FitConfig, Recipe


def recipe(steps=60, weight=0.12, **fit_settings):
    settings = {"learning_rate": 3e-3, **fit_settings}
    return Recipe(
        name="test",
        field=SirenConfig(width=32, depth=2, omega=15.0, time_step=0.05),
        objective=FlowConstraint(weight=weight, points=512),
        fit=FitConfig(steps=steps, **settings),
    )


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.field.parameters(), b.field.parameters(), strict=True))


def interrupt_after(step):
    def on_progress(progress):
        if progress.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return on_progress
