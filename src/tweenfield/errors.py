"""The one exception tree. Every message is one sentence that says what is wrong, where, and what to do."""


class TweenfieldError(Exception):
    """Base of every error that tweenfield raises on purpose; ``exit_status`` is what the command returns."""

    exit_status = 1


class UsageError(TweenfieldError):
    """An invalid value or combination of values, whatever the input holds."""

    exit_status = 2


class VideoError(TweenfieldError):
    """A video or a folder of images that can't be read."""


class FlowError(TweenfieldError):
    """Optical flow that can't be computed, read, or used with this video."""


class FitError(TweenfieldError):
    """A fit that can't start or can't go on."""


class BaselineError(TweenfieldError):
    """A baseline whose program or folder doesn't deliver its frames."""


class ModelFileError(TweenfieldError):
    """A file that isn't a usable ``.tween`` model, or doesn't hold the weights of a network."""


class OutputError(TweenfieldError):
    """A result that can't be written to its path."""


class ViewerError(TweenfieldError):
    """A viewer that can't be opened here, or something that it can't show."""


class ClusterError(TweenfieldError):
    """A cluster that doesn't answer, or tasks that failed on it."""


class Stopped(TweenfieldError):
    """Work was interrupted by Ctrl-C; the same command resumes it."""
