"""DeepFlow without its matching term."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from tweenfield.flow._gray import NO_FLOW, gray_pair


@dataclass(frozen=True)
class DeepFlow:
    """Variational flow from coarse to fine.

    Weinzaepfel, Revaud, Harchaoui, Schmid, *DeepFlow: Large Displacement Optical Flow with Deep Matching*,
    ICCV 2013, as in OpenCV, which leaves out the deep matching: smooth, accurate motion of a few pixels is
    its strength, large motion is not.
    """

    name: str = field(default="deepflow", init=False)

    def __call__(
        self, first: UInt8[np.ndarray, "height width 3"], second: UInt8[np.ndarray, "height2 width2 3"]
    ) -> Float32[np.ndarray, "height width 2"]:
        """Flow in pixels from ``first`` to ``second``.

        Raises:
            FlowError: the sizes differ.
        """
        gray = gray_pair(first, second, name=self.name, smallest=1)
        return cv2.optflow.createOptFlow_DeepFlow().calc(*gray, NO_FLOW)
