"""The optimiser is Adam as PyTorch has it, and doesn't load what PyTorch's class loads."""

import subprocess
import sys

import torch
from torch import nn

from tweenfield.fitting.adam import Adam

RATES = (1e-2, 3e-2, 1e-3, 5e-2)


def test_steps_are_those_of_pytorch_and_go_on_from_a_state():
    ours, theirs = (
        nn.ParameterDict({"a": torch.linspace(-1, 2, 7), "b": torch.ones(2, 3)}) for _ in range(2)
    )
    optimizer = Adam(dict(ours.items()))
    reference = torch.optim.Adam(theirs.values(), fused=True)
    for k, rate in enumerate(RATES):
        if k == 2:  # as after an interruption
            state, optimizer = optimizer.state(), Adam(dict(ours.items()))
            optimizer.restore(state)
        for parameters in (ours, theirs):
            sum((p**3).sum() + p.sin().sum() for p in parameters.values()).backward()
        optimizer.step(rate)
        for group in reference.param_groups:
            group["lr"] = rate
        reference.step()
        reference.zero_grad()
        for name in ours:
            assert torch.equal(ours[name], theirs[name])


def test_a_parameter_without_a_gradient_stays():
    parameters = {"used": nn.Parameter(torch.ones(3)), "unused": nn.Parameter(torch.ones(3))}
    optimizer = Adam(parameters)
    parameters["used"].sum().backward()
    optimizer.step(0.1)
    assert torch.equal(parameters["unused"], torch.ones(3))
    assert (parameters["used"] < 1).all()


def test_nothing_heavy_is_loaded():
    program = (
        "import sys, torch; from torch import nn; from tweenfield.fitting.adam import Adam;"
        "p = nn.Parameter(torch.ones(2)); o = Adam({'p': p}); p.sum().backward(); o.step(0.1);"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
