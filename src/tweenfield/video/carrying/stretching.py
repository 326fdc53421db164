"""Sound at another speed, at its own pitch. libavfilter's filters lose time at the end and at each change."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
from jaxtyping import Float32

# Seconds: of a window, half of which overlaps the next, and how far it may be moved to fit that before it.
_WINDOW, _SEARCH = 0.04, 0.008
# Windows are compared by every n-th sample.
_SPARSE = 4


@final
class Stretch:
    """Waveform similarity overlap-add (Verhelst, Roelands, ICASSP 1993), fed piece by piece.

    Windows lie evenly in the output. Each is taken from where the input is at that time, give or take 8 ms,
    so that it goes on best where the one before it would have gone on. No error adds up.

    Args:
        rate: samples per second.
        channels: how many.
        input_time: seconds of the input for those of the output, both from 0 on.
    """

    def __init__(self, rate: int, channels: int, input_time: Callable[[float], float]) -> None:
        self._rate, self._input_time = rate, input_time
        self._hop = round(rate * _WINDOW / 2)
        self._search = round(rate * _SEARCH)
        # What is read begins before the input does, with silence.
        self._before = 2 * self._hop + self._search
        self._samples = np.zeros((channels, self._before), np.float32)
        self._dropped = -self._before
        self._window = np.hanning(2 * self._hop + 1)[:-1].astype(np.float32)
        self._overlap = np.zeros((channels, self._hop), np.float32)
        self._next = 0
        self._taken: int | None = None

    def push(self, samples: Float32[np.ndarray, "channels samples"]) -> Float32[np.ndarray, "channels more"]:
        """What is ready once these are known."""
        self._samples = np.concatenate([self._samples, samples], axis=1)
        ready = []
        while (centre := self._centre(self._next)) + self._before <= self._end:
            ready.append(self._window_at(centre))
        # What no later window can reach.
        kept = max(self._centre(self._next) - self._before - 2 * self._hop - self._dropped, 0)
        self._samples, self._dropped = self._samples[:, kept:], self._dropped + kept
        return np.concatenate(ready, axis=1) if ready else self._overlap[:, :0]

    def rest(self, seconds: float) -> Float32[np.ndarray, "channels more"]:
        """What is left of an output of so many seconds."""
        left = round(seconds * self._rate) - max(self._next - 1, 0) * self._hop
        silence = np.zeros((len(self._samples), 2 * self._before), np.float32)
        ready = [self._overlap[:, :0]]
        while sum(part.shape[1] for part in ready) < left:
            self._samples = np.concatenate([self._samples, silence], axis=1)
            ready.append(self.push(silence[:, :0]))
        return np.concatenate(ready, axis=1)[:, : max(left, 0)]

    @property
    def _end(self) -> int:
        return self._dropped + self._samples.shape[1]

    def _centre(self, number: int) -> int:
        """Which sample of the input is in the middle of a window of the output."""
        return round(self._input_time(number * self._hop / self._rate) * self._rate)

    def _window_at(self, centre: int) -> Float32[np.ndarray, "channels hop"]:
        """The next piece of the output; its windows are centred at multiples of the hop."""
        begin = centre - self._hop
        if self._taken is not None:
            begin += self._shift(self._taken + self._hop, begin)
        part = self._at(begin, 2 * self._hop) * self._window
        ready = self._overlap + part[:, : self._hop]
        self._overlap = part[:, self._hop :]
        self._taken, self._next = begin, self._next + 1
        # The first window only begins the output.
        return ready if self._next > 1 else ready[:, :0]

    def _shift(self, wanted: int, begin: int) -> int:
        """By how much to move a window that begins there to be most like the one that is wanted."""
        pattern = self._at(wanted, 2 * self._hop).mean(0)[::_SPARSE]
        around = self._at(begin - self._search, 2 * (self._hop + self._search)).mean(0)[::_SPARSE]
        likeness = np.correlate(around, pattern, "valid")
        power = np.convolve(around**2, np.ones(len(pattern)), "valid")
        best = np.argmax(likeness / np.sqrt(power + 1e-9 * len(pattern)))
        return int(best) * _SPARSE - self._search if likeness[best] > 0 else 0

    def _at(self, begin: int, count: int) -> Float32[np.ndarray, "channels count"]:
        return self._samples[:, begin - self._dropped : begin - self._dropped + count]
