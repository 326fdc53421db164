"""Files that are well formed, but not as one would wish."""

import av
import pytest
from video.clips import encode, texture

from tweenfield import VideoError, read_video
from tweenfield.video import Carried, describe_video, write_video


def test_metadata_that_are_not_utf8_keep_no_video_from_being_read_and_carried_over(tmp_path):
    path = encode(tmp_path / "old.mp4", list(texture(5)), audio=True, setup=titled)
    data = path.read_bytes()
    assert b"Fr\xc3\xbchling" in data
    # Latin-1 by an old program: of the same length, so that no box has to grow.
    path.write_bytes(data.replace(b"Fr\xc3\xbchling", b"Fr\xfchling!"))
    video = read_video(path)
    assert len(video) == 5
    carried = Carried(path=path, start=video.start, length=video.times[-1])
    write_video(tmp_path / "new.mkv", video.frames, rate=30, carried=carried)
    with av.open(str(tmp_path / "new.mkv")) as container:
        assert container.metadata["title"] == "Fr\N{REPLACEMENT CHARACTER}hling!"
        assert len(container.streams.audio) == 1


def titled(stream):
    stream.container.metadata["title"] = "Frühling"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.2,\nclip.ts\n#EXT-X-ENDLIST\n"),
        ("list.mp4", "ffconcat version 1.0\nfile clip.ts\n"),
    ],
)
def test_a_list_of_other_files_is_not_followed(tmp_path, name, text):
    encode(tmp_path / "clip.ts", list(texture(5)))
    (tmp_path / name).write_text(text)
    with pytest.raises(VideoError, match="a list of other files"):
        read_video(tmp_path / name)


def test_sound_in_a_codec_that_nobody_knows(tmp_path):
    path = encode(tmp_path / "a.mkv", texture(5), audio=True)
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_ZZZ"))
    assert describe_video(path).audio == ("unknown",)
    assert len(read_video(path)) == 5
