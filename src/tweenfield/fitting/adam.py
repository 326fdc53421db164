"""Adam (Kingma, Ba, arXiv 1412.6980), its state by the names of the parameters."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

_BETA1, _EPSILON = 0.9, 1e-8


class Adam:
    """PyTorch's fused Adam; its class of that name loads torch._dynamo first, which takes a second.

    Args:
        parameters: what to optimise, by name.
        beta2: how much of the mean of squared gradients stays at each step.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], beta2: float = 0.999) -> None:
        self._parameters, self._beta2 = dict(parameters), beta2
        self._state = {
            name: {
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
            for name, parameter in self._parameters.items()
        }

    def state(self) -> dict[str, Tensor]:
        """A copy of everything that decides the next step, by parameter and kind."""
        return {
            f"{name}.{key}": value.detach().clone()
            for name, values in self._state.items()
            for key, value in values.items()
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what ``state`` returned.

        Raises:
            KeyError: it lacks something.
        """
        for name, values in self._state.items():
            for key, value in values.items():
                value.copy_(state[f"{name}.{key}"])

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move each parameter that has a gradient, and clear the gradients."""
        moved = [name for name, parameter in self._parameters.items() if parameter.grad is not None]
        parameters: list[Tensor] = [self._parameters[name] for name in moved]
        averages, squares, steps = (
            [self._state[name][key] for name in moved] for key in ("exp_avg", "exp_avg_sq", "step")
        )
        adam(
            parameters,
            [parameter.grad for parameter in parameters if parameter.grad is not None],
            averages,
            squares,
            [],
            steps,
            fused=True,
            amsgrad=False,
            beta1=_BETA1,
            beta2=self._beta2,
            lr=learning_rate,
            weight_decay=0.0,
            eps=_EPSILON,
            maximize=False,
        )
        for parameter in parameters:
            parameter.grad = None
