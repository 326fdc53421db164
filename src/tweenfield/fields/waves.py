"""Sine and cosine of the same angles at once, in a loop that Numba compiles.

An angle is brought into +-pi/4 by multiples of pi/2, taken off in three parts that float32 holds exactly
enough (Cody, Waite, *Software Manual for the Elementary Functions*, 1980); there, both are the polynomials of
the Cephes library. Wrong by up to 1e-7 for angles up to 1000.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tweenfield.fields.transport.kernels import compiled

_F = np.float32
_QUARTERS, _HALF, _ONE = _F(2 / np.pi), _F(0.5), _F(1)
_P1, _P2, _P3 = _F(1.5703125), _F(4.837512969970703125e-4), _F(7.5497899548918861e-8)
_S1, _S2, _S3 = _F(-1.6666654611e-1), _F(8.3321608736e-3), _F(-1.9515295891e-4)
_C1, _C2, _C3 = _F(4.166664568298827e-2), _F(-1.388731625493765e-3), _F(2.443315711809948e-5)


def sine_cosine(z: Tensor, sine: Tensor, cosine: Tensor) -> None:
    """Write both of every angle z into tensors of the same shape, all without gaps. Of float32 on a CPU this
    file's loop computes them, of others PyTorch.
    """
    if z.dtype == torch.float32 and z.device.type == "cpu":
        _sine_cosine(*(x.view(-1).numpy() for x in (z, sine, cosine)))
    else:
        torch.sin(z, out=sine)
        torch.cos(z, out=cosine)


@compiled
def _sine_cosine(z: np.ndarray, sine: np.ndarray, cosine: np.ndarray) -> None:
    for i in range(len(z)):
        quarters = np.floor(z[i] * _QUARTERS + _HALF)
        r = ((z[i] - quarters * _P1) - quarters * _P2) - quarters * _P3
        r2 = r * r
        s = r + r * r2 * (_S1 + r2 * (_S2 + r2 * _S3))
        c = _ONE - _HALF * r2 + r2 * r2 * (_C1 + r2 * (_C2 + r2 * _C3))
        k = np.int32(quarters)
        if k & 1:
            s, c = c, -s
        sine[i] = -s if k & 2 else s
        cosine[i] = -c if k & 2 else c
