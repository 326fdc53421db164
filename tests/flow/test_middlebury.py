"""Every provider against the ground truth of real and rendered scenes."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from flow.patterns import epe

from tweenfield.flow import DeepFlow, Dis, Farneback

MIDDLEBURY = Path(__file__).parents[2] / "../shared/data/flow/middlebury"

pytestmark = pytest.mark.skipif(not MIDDLEBURY.is_dir(), reason="../shared/data/flow/middlebury isn't there")

# Average endpoint error in pixels, about a fifth above what was measured when the settings were chosen.
BOUNDS = {
    "RubberWhale": {Dis(): 0.13, DeepFlow(): 0.15, Farneback(): 0.52},
    "Dimetrodon": {Dis(): 0.16, DeepFlow(): 0.11, Farneback(): 1.4},
    "Urban3": {Dis(): 2.4, DeepFlow(): 0.6, Farneback(): 5.3},
}


def truth(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Ground truth read by OpenCV, not by the code under test, and where it is known."""
    flow = cv2.readOpticalFlow(str(path))
    return flow, (np.abs(flow) < 1e9).all(axis=-1)


@pytest.mark.parametrize(
    ("scene", "provider", "bound"),
    [(s, p, b) for s, bounds in BOUNDS.items() for p, b in bounds.items()],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_endpoint_error(scene, provider, bound):
    first, second = (
        cv2.cvtColor(cv2.imread(str(MIDDLEBURY / f"other-data/{scene}/frame{n}.png")), cv2.COLOR_BGR2RGB)
        for n in (10, 11)
    )
    flow, known = truth(MIDDLEBURY / f"other-gt-flow/{scene}/flow10.flo")
    error = epe(provider(first, second)[known], flow[known])
    assert error < bound
    assert error < 0.7 * epe(np.zeros_like(flow)[known], flow[known])
