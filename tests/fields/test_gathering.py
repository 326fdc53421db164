"""The evidence gathered by compiled loops is that of the definition."""

import numpy as np
import pytest
import torch

from tweenfield.fields.transport import gathering, mixing
from tweenfield.fields.transport.candidates import CANDIDATES, CUES


@pytest.mark.parametrize("size", [(12, 16), (13, 16), (12, 17), (13, 17)])
@pytest.mark.parametrize("absent", [(), (4, 8)])
def test_gathered_evidence_is_that_of_the_definition_in_float64(size, absent):
    rng = np.random.default_rng(1)
    # Differences from far below the gain's reciprocal to far above.
    colors = torch.from_numpy(rng.random((CANDIDATES, 3, 1, 1)) ** 3 * rng.random((1, 3, *size)))
    cues = rng.random((CUES, *size)).astype(np.float32)
    present = np.isin(np.arange(CANDIDATES), absent, invert=True)
    fast = gathering.gather(colors.float(), cues, present, 0.25)
    defined = mixing.gather(
        colors.float().double()[None],
        torch.from_numpy(cues).double()[None],
        torch.from_numpy(present).double()[None],
        torch.tensor([0.25], dtype=torch.float64),
    )
    for found, expected in zip(fast, defined, strict=True):
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)


def test_differences_saturate_as_tanh_does():
    values = torch.linspace(-6, 6, 601, dtype=torch.float64)
    found = mixing.saturated(values)
    assert (found - values.tanh()).abs().max() < 0.025
    assert (found.diff() >= 0).all() and found.abs().max() == 1
