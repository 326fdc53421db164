"""Video files and folders of images in and out: frames, exact times, colour tags."""

from tweenfield.video.carrying import Carried, losses
from tweenfield.video.clip import ColorTags, Video
from tweenfield.video.containers import CONTAINERS, Container, Encoding, Look, reductions
from tweenfield.video.depth import eight_bit
from tweenfield.video.describing import VideoInfo, describe_video
from tweenfield.video.hdr import Hdr, MasteringDisplay
from tweenfield.video.pieces import in_pieces, packed_piece, write_in_pieces, written_in_pieces
from tweenfield.video.reading import read_video
from tweenfield.video.repeats import Compared, compared, find_repeats, new_frames, without_repeats
from tweenfield.video.selecting import parse_frames, parse_size
from tweenfield.video.shots import Shot, find_shots
from tweenfield.video.time_map import TimeMap, parse_speed
from tweenfield.video.timeline import Timeline, output_timeline
from tweenfield.video.timing import FrameRate, field_position, parse_rate, parse_slow, parse_time
from tweenfield.video.transparency import parse_color
from tweenfield.video.writing import check_output, container_for, is_stdout, write_video

__all__ = [
    "CONTAINERS",
    "Carried",
    "ColorTags",
    "Compared",
    "Container",
    "Encoding",
    "FrameRate",
    "Hdr",
    "Look",
    "MasteringDisplay",
    "Shot",
    "TimeMap",
    "Timeline",
    "Video",
    "VideoInfo",
    "check_output",
    "compared",
    "container_for",
    "describe_video",
    "eight_bit",
    "field_position",
    "find_repeats",
    "find_shots",
    "in_pieces",
    "is_stdout",
    "losses",
    "new_frames",
    "output_timeline",
    "packed_piece",
    "parse_color",
    "parse_frames",
    "parse_rate",
    "parse_size",
    "parse_slow",
    "parse_speed",
    "parse_time",
    "read_video",
    "reductions",
    "without_repeats",
    "write_in_pieces",
    "write_video",
    "written_in_pieces",
]
