"""A clip whose clicks are heard when its flashes are seen, and when that is in any other file."""

from fractions import Fraction

import av
import numpy as np

from tweenfield import Carried, read_video, write_video

RATE, SAMPLES = 25, 48000
FRAMES = 75
# In seconds on the picture's clock, at the beginning of a frame.
FLASHES = (0.48, 1.2, 2.0)


def clicking(path, codec="aac", late=0.0):
    """Three seconds of dark frames with flashes, and a click with each; sound may begin later."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream(codec, rate=SAMPLES)
        sound.layout = "stereo"
        sound.metadata["language"] = "fin"
        for k in range(FRAMES):
            level = 250 if any(abs(k / RATE - t) < 1e-6 for t in FLASHES) else 20
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), "rgb24")
            frame.pts, frame.time_base = k, Fraction(1, RATE)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        t = np.arange(3 * SAMPLES) / SAMPLES + late
        wave = sum(
            np.where((t >= at) & (t < at + 0.01), 0.9 * np.sin(2 * np.pi * 2000 * (t - at)), 0)
            for at in FLASHES
        )
        block = 1024
        for k in range(0, len(wave) - block + 1, block):
            values = np.repeat(wave[None, k : k + block], 2, 0).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), "fltp", "stereo")
            frame.sample_rate, frame.time_base = SAMPLES, Fraction(1, SAMPLES)
            frame.pts = k + round(late * SAMPLES)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def clicks(path):
    """When clicks begin, by the decoded samples, against when flashes are seen, in seconds."""
    heard, seen = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.to_ndarray(format="gray").mean() > 130:
                seen.append(float(frame.time))
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        samples, begins, to_planes = [], None, av.AudioResampler("fltp")
        for frame in container.decode(stream):
            begins = frame.time if begins is None else begins
            samples += [plane.to_ndarray()[0] for plane in to_planes.resample(frame)]
        wave, rate = np.abs(np.concatenate(samples)), stream.rate
    loud = np.flatnonzero(wave > 0.25 * wave.max())
    for k in loud:
        at = begins + k / rate
        if not heard or at - heard[-1][1] > 0.1:
            heard.append([at, at])
        heard[-1][1] = at
    return [first for first, _ in heard], seen


def through(source, target, frames=None, speed=Fraction(1)):
    """The picture as it is, at another speed, with all that goes along."""
    video = read_video(source, frames=frames)
    length = video.times[-1] - video.times[0] + 1 / video.rate
    carried = Carried(path=source, start=video.start, length=length, speed=speed)
    rate = video.rate * speed if isinstance(speed, Fraction) else video.rate
    write_video(target, video.frames, rate=rate, carried=carried)
    return target
