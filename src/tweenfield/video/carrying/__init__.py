"""Sound, subtitles and all else that a file holds besides its picture, for one that is drawn anew."""

from tweenfield.video.carrying.carried import Carried, Holds
from tweenfield.video.carrying.carrier import Carrier, carrying, last_covers
from tweenfield.video.carrying.plan import losses

__all__ = ["Carried", "Carrier", "Holds", "carrying", "last_covers", "losses"]
