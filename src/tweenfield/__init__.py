"""tweenfield: frames between frames, drawn from one continuous function fitted to one video.

    video = read_video("clip.mp4")
    flow = estimate_flow(video, Dis())
    result = fit(video, flow, draft())
    for frame in render(result.field, [0, 0.25, 0.5]):
        ...

The public names are listed in ``__init__.pyi``. They are imported when first used, so that
``tweenfield --help`` needn't wait for PyTorch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
