"""Flow networks by the library ptlflow: GMA, RAFT and many more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from tweenfield.errors import FlowError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class PtlFlow:
    """A network of ptlflow (Morimitsu, *PyTorch Lightning Optical Flow*, github.com/hmorimitsu/ptlflow).

    ``gma`` is the one of the paper: Jiang et al., *Learning to Estimate Hidden Motions with Global Motion
    Aggregation*, ICCV 2021. Runs on a GPU if there is one.

    Attributes:
        model: the library's name of the network, such as ``gma``, ``raft`` or ``raft_small``.
        checkpoint: a file of weights, or the library's name of weights that it downloads, such as ``things``
            or ``sintel``.
    """

    model: str = "gma"
    checkpoint: str = "things"

    @property
    def name(self) -> str:
        """As for ``--flow``."""
        return f"ptlflow:{self.model}:{self.checkpoint}"

    def __call__(
        self, first: UInt8[np.ndarray, "height width 3"], second: UInt8[np.ndarray, "height2 width2 3"]
    ) -> Float32[np.ndarray, "height width 2"]:
        """Flow in pixels from ``first`` to ``second``.

        Raises:
            FlowError: the library isn't installed or doesn't work here, it has no such network or weights,
                the weights can't be fetched, the sizes differ, or frames are too small for the network.
        """
        if first.shape != second.shape:
            raise FlowError(
                f"{self.name}: the frames have shapes {first.shape} and {second.shape}; flow needs two of "
                "one size"
            )
        import torch

        network = _network(self.model, self.checkpoint)
        device = next(network.parameters()).device
        # The library takes what OpenCV reads: blue, green, red.
        pair = np.stack((first, second))[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255
        try:
            with torch.inference_mode():
                flows = network({"images": torch.from_numpy(pair)[None].to(device)})["flows"]
        except RuntimeError as error:
            raise FlowError(
                f"{self.name}: frames of {first.shape[0]}x{first.shape[1]} can't be handled ({error}); "
                "give larger ones, or smaller ones if memory was short"
            ) from error
        flow = np.ascontiguousarray(flows[0, 0].float().cpu().numpy().transpose(1, 2, 0))
        if not np.isfinite(flow).all():
            raise FlowError(
                f"{self.name}: the network gives no finite flow for frames of "
                f"{first.shape[0]}x{first.shape[1]}; give 128x128 pixels or more, or other weights"
            )
        return flow


@lru_cache(maxsize=1)
def _network(model: str, checkpoint: str) -> nn.Module:
    import torch

    try:
        import ptlflow
    except ModuleNotFoundError as error:
        raise FlowError(
            f"ptlflow:{model} needs the package {error.name}; "
            "install it with pip install 'tweenfield[ptlflow]'"
        ) from error
    except (ImportError, RuntimeError) as error:
        raise FlowError(
            f"ptlflow:{model}: the library can't be loaded ({error}); check that torchvision fits PyTorch"
        ) from error
    try:
        network: nn.Module = ptlflow.get_model(model, ckpt_path=checkpoint)
    except ValueError as error:
        raise FlowError(f"ptlflow:{model}:{checkpoint}: {error}") from error
    except OSError as error:
        raise FlowError(
            f"ptlflow:{model}:{checkpoint}: the weights can't be fetched ({error}); "
            f"give the file of them, as ptlflow:{model}:PATH"
        ) from error
    except RuntimeError as error:
        said = str(error).splitlines()[0]
        raise FlowError(
            f"ptlflow:{model}:{checkpoint}: these weights are of another network ({said})"
        ) from error
    return network.eval().to("cuda" if torch.cuda.is_available() else "cpu")
