"""The objective that fits transport's weights: it hides observed frames and predicts them."""

from tweenfield.fitting.leave_out.objective import LeaveOut

__all__ = ["LeaveOut"]
