"""Video files and folders of images in and out: frames, exact times, colour tags."""

from tweenfield.video.clip import ColorTags, Video
from tweenfield.video.containers import CONTAINERS, Container, Look
from tweenfield.video.describing import VideoInfo, describe_video
from tweenfield.video.reading import read_video
from tweenfield.video.repeats import find_repeats, without_repeats
from tweenfield.video.selecting import parse_frames, parse_size
from tweenfield.video.shots import Shot, find_shots
from tweenfield.video.sound import Sound, has_sound
from tweenfield.video.time_map import TimeMap, parse_speed
from tweenfield.video.timing import (
    FrameRate,
    Timeline,
    field_position,
    output_timeline,
    parse_rate,
    parse_slow,
)
from tweenfield.video.writing import check_output, container_for, write_video

__all__ = [
    "CONTAINERS",
    "ColorTags",
    "Container",
    "FrameRate",
    "Look",
    "Shot",
    "Sound",
    "TimeMap",
    "Timeline",
    "Video",
    "VideoInfo",
    "check_output",
    "container_for",
    "describe_video",
    "field_position",
    "find_repeats",
    "find_shots",
    "has_sound",
    "output_timeline",
    "parse_frames",
    "parse_rate",
    "parse_size",
    "parse_slow",
    "parse_speed",
    "read_video",
    "without_repeats",
    "write_video",
]
