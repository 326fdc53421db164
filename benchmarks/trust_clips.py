"""The clips of ``trust.py`` and ``trust_network.py``: 41 frames each, in two halves that share no source."""

from pathlib import Path

from tweenfield import Video, read_video

SIZE = (240, 360)
# Name: source, path, first frame, whether it is resized.
TUNE = {
    "bunny_a": ("bunny", "clips/bunny_a.mkv", 0, False),
    "bunny_b": ("bunny", "clips/bunny_b.mkv", 0, False),
    "bunny_840": ("bunny", "videos/bunny_1080p60.mp4", 840, True),
    "bunny_1100": ("bunny", "videos/bunny_1080p60.mp4", 1100, True),
    "walk": ("walk", "clips/walk.mkv", 0, False),
    "mouse": ("mouse", "clips/mouse.mkv", 0, False),
    "cup_60": ("cup", "videos/cup.mp4", 60, True),
    "cup_0": ("cup", "videos/cup.mp4", 0, True),
    "asl_help": ("asl", "videos/asl_help.mkv", 10, True),
    "asl_no": ("asl", "videos/asl_no.mkv", 10, True),
}
REPORT = {
    "bikes": ("bikes", "clips/bikes.mkv", 0, False),
    "bikes_100": ("bikes", "videos/bikes.mp4", 100, True),
    "bikes_200": ("bikes", "videos/bikes.mp4", 200, True),
    "street_multi": ("street", "clips/street_multi.mkv", 0, False),
    "carphone_0": ("carphone", "videos/carphone_pristine.mp4", 0, False),
    "carphone_60": ("carphone", "videos/carphone_pristine.mp4", 60, False),
    "iot_200": ("iot", "videos/iot_bottle-detection.mp4", 200, True),
    "iot_700": ("iot", "videos/iot_bottle-detection.mp4", 700, True),
}


def clip(data: Path, name: str) -> Video:
    """A clip by its name, from the folder of shared data."""
    _, path, first, resized = (TUNE | REPORT)[name]
    return read_video(data / path, frames=f"{first}:{first + 41}", size=SIZE if resized else None)
