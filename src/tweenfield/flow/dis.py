"""Dense inverse search flow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from tweenfield.flow._gray import NO_FLOW, gray_pair
from tweenfield.flow.sampling import halvings

# Pixels of a frame in which patches are smaller.
_SMALL = 50_000


@dataclass(frozen=True)
class Dis:
    """Dense inverse search: patches matched by gradient descent, coarse to fine, then variational refinement.

    Kroeger, Timofte, Dai, Van Gool, *Fast Optical Flow using Dense Inverse Search*, ECCV 2016, as in OpenCV.
    Fast, and the best of the three providers for interpolation.
    """

    name: str = field(default="dis", init=False)

    def __call__(
        self, first: UInt8[np.ndarray, "height width 3"], second: UInt8[np.ndarray, "height2 width2 3"]
    ) -> Float32[np.ndarray, "height width 2"]:
        """Flow in pixels from ``first`` to ``second``.

        Raises:
            FlowError: the sizes differ, or a side is under 12 pixels.
        """
        gray = gray_pair(first, second, name=self.name, smallest=12)
        # A new object for each call: OpenCV's keeps its buffers, and we keep no state.
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        scale = halvings(*first.shape[:2])
        # At 1080p a quarter of the size warps as well as the full size, in 1/30 of the time. Small frames
        # warp better at full size; the preset's finest scale of 1 also crashes OpenCV 5.0 on 8x64 to 14x64.
        dis.setFinestScale(scale)
        # In frames of 240x360, patches of 8 take two thirds of the time of 6, as OpenCV has vector code for
        # them, and transport ends as well; in those of 120x180 it ends worse.
        dis.setPatchSize(8 if first.shape[0] * first.shape[1] > _SMALL else 6)
        dis.setPatchStride(3 if scale else 2)
        return dis.calc(*gray, NO_FLOW)

    def both(
        self, first: UInt8[np.ndarray, "height width 3"], second: UInt8[np.ndarray, "height2 width2 3"]
    ) -> tuple[Float32[np.ndarray, "height width 2"], Float32[np.ndarray, "height width 2"]]:
        """Flow from ``first`` to ``second`` and back, in two threads: OpenCV's own gain less.

        Raises:
            FlowError: as above.
        """
        with ThreadPoolExecutor(1) as other:
            back = other.submit(self, second, first)
            return self(first, second), back.result()
