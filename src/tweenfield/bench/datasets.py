"""Published data sets by their folder layouts; docs/benchmarks.md says where each is to be had."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from natsort import natsorted

from tweenfield.bench.cases import Case
from tweenfield.errors import VideoError
from tweenfield.video.images import IMAGE_SUFFIXES, image_paths

VIDEO_SUFFIXES = frozenset(
    [".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".y4m", ".gif", ".ts"]
)

# What public code takes as the test part of Adobe240, for want of a list in the papers.
ADOBE240 = (
    "720p_240fps_1",
    "GOPR9635",
    "GOPR9637a",
    "IMG_0004a",
    "IMG_0015",
    "IMG_0023",
    "IMG_0179",
    "IMG_0183",
)
XIPH = (
    "BoxingPractice",
    "Crosswalk",
    "DrivingPOV",
    "FoodMarket",
    "FoodMarket2",
    "RitualDance",
    "SquareAndTimelapse",
    "Tango",
)


def adobe240(root: Path) -> list[Case]:
    """Su et al., *Deep Video Deblurring*, CVPR 2017: NAME.mov (any video) or a folder NAME of frames, also
    under ``original_high_fps_videos``. Eight videos, first 40 frames at 240x360, every second observed, as
    the paper has it (arXiv 2206.10886).
    """
    folder = root / "original_high_fps_videos"
    folder = folder if folder.is_dir() else root
    there = {p.stem: p for p in _clips(folder)}
    missing = [name for name in ADOBE240 if name not in there]
    if missing:
        raise _lacking("Adobe240", folder, f"{missing[0]} (a video or a folder of frames)", len(missing))
    return [
        Case(dataset="adobe240", name=name, source=there[name], frames=40, size=(240, 360))
        for name in ADOBE240
    ]


def x4k1000fps(root: Path) -> list[Case]:
    """Sim et al., *XVFI*, ICCV 2021, X-TEST: [test/]TypeN/TESTxx/0000.png to 0032.png. Frames 0 and 32 are
    observed and seven between them drawn, as in the authors' x8 test.
    """
    root = root / "test" if (root / "test").is_dir() else root
    cases = []
    for kind in ("Type1", "Type2", "Type3"):
        for folder in _subfolders(_need(root / kind, "X4K1000FPS", root)):
            paths = image_paths(folder)
            if len(paths) < 33:
                raise _lacking("X4K1000FPS", folder, f"33 frames (there are {len(paths)})")
            cases.append(
                Case(
                    dataset="x4k1000fps",
                    name=f"{kind}/{folder.name}",
                    source=tuple(paths[:33:4]),
                    stride=8,
                )
            )
    return cases


def nd_scene(root: Path) -> list[Case]:
    """Yoon et al., *Novel View Synthesis of Dynamic Scenes*, CVPR 2020, as CURE uses it: 24 times of
    SCENE/dense/mv_images/00000/cam01.jpg to cam12.jpg. Each camera by itself, each frame from the one before
    and the one after, at 288x540.
    """
    cases = []
    for scene in _subfolders(root):
        times = _subfolders(_need(scene / "dense" / "mv_images", "ND Scene", root))[:24]
        if len(times) < 3:
            raise _lacking("ND Scene", scene, f"3 times or more (there are {len(times)})")
        for camera in range(1, 13):
            paths = [_need(t / f"cam{camera:02d}.jpg", "ND Scene", root) for t in times]
            cases += [
                Case(
                    dataset="nd-scene",
                    name=f"{scene.name}/cam{camera:02d}/{times[k].name}",
                    source=tuple(paths[k - 1 : k + 2]),
                    size=(288, 540),
                )
                for k in range(1, len(paths) - 1)
            ]
    return _some(cases, "ND Scene", root, "SCENE/dense/mv_images")


def vimeo90k(root: Path) -> list[Case]:
    """Xue et al., *Video Enhancement with Task-Oriented Flow*, IJCV 2019, test triplets: tri_testlist.txt and
    sequences/A/B/im1.png to im3.png, or target/ in place of sequences/.
    """
    listing = _need(root / "tri_testlist.txt", "Vimeo90K", root)
    pictures = root / "target" if (root / "target").is_dir() else root / "sequences"
    _need(pictures, "Vimeo90K", root)
    return [
        _triplet("vimeo90k", name, [pictures / name / f"im{k}.png" for k in (1, 2, 3)], root)
        for name in _lines(listing)
    ]


def ucf101(root: Path) -> list[Case]:
    """Soomro et al., *UCF101*, 2012, in the triplets of Jiang et al. (*Super SloMo*, CVPR 2018):
    [ucf101_interp_ours/]N/frame_00.png, frame_01_gt.png, frame_02.png.
    """
    root = root / "ucf101_interp_ours" if (root / "ucf101_interp_ours").is_dir() else root
    names = ("frame_00.png", "frame_01_gt.png", "frame_02.png")
    cases = [_triplet("ucf101", p.name, [p / n for n in names], root) for p in _subfolders(root)]
    return _some(cases, "UCF101", root, "N/frame_00.png")


def snu_film(root: Path) -> list[Case]:
    """Choi et al., *Channel Attention Is All You Need*, AAAI 2020: [eval_modes/]test-easy.txt, -medium,
    -hard, -extreme with three paths a line, of which what follows ``/test/`` lies in test/.
    """
    cases = []
    for mode in ("easy", "medium", "hard", "extreme"):
        listing = root / "eval_modes" / f"test-{mode}.txt"
        listing = listing if listing.exists() else _need(root / f"test-{mode}.txt", "SNU-FILM", root)
        for number, line in enumerate(_lines(listing), start=1):
            paths = [path.partition("/test/")[2] for path in line.split()]
            if len(paths) != 3:
                raise VideoError(f"{listing}: line {number} has {len(paths)} paths, not 3; get the list anew")
            name = f"{mode}/{number:04d}/{Path(paths[1]).with_suffix('')}"
            cases.append(_triplet(f"snu-film-{mode}", name, [root / "test" / p for p in paths], root))
    return cases


def middlebury(root: Path) -> list[Case]:
    """Baker et al., *A Database and Evaluation Methodology for Optical Flow*, IJCV 2011:
    other-data/NAME/frame10.png and frame11.png, other-gt-interp/NAME/frame10i11.png.
    """
    data, truth = (_need(root / name, "Middlebury", root) for name in ("other-data", "other-gt-interp"))
    cases = [
        _triplet(
            "middlebury",
            folder.name,
            [
                data / folder.name / "frame10.png",
                folder / "frame10i11.png",
                data / folder.name / "frame11.png",
            ],
            root,
        )
        for folder in _subfolders(truth)
    ]
    return _some(cases, "Middlebury", root, "other-gt-interp/NAME")


def xiph(root: Path) -> list[Case]:
    """Eight clips of the Xiph collection as Niklaus and Liu use them (*Softmax Splatting*, CVPR 2020):
    NAME-001.png to NAME-100.png. Every second frame of 99, once resized to 1080x2048 (``xiph-2k``) and once
    cut to the middle 1080x2048 of 2160x4096 (``xiph-4k``).
    """
    cases = []
    for name in XIPH:
        paths = tuple(_need(root / f"{name}-{k:03d}.png", "Xiph", root) for k in range(1, 100))
        cases.append(Case(dataset="xiph-2k", name=name, source=paths, size=(1080, 2048)))
        cases.append(Case(dataset="xiph-4k", name=name, source=paths, margin=(540, 1024)))
    return sorted(cases, key=lambda case: case.dataset)


def davis(root: Path) -> list[Case]:
    """Pont-Tuset et al., *The 2017 DAVIS Challenge*, 2017: JPEGImages/480p/NAME/00000.jpg and on. Every
    second frame of each clip.
    """
    clips = _subfolders(_need(root / "JPEGImages" / "480p", "DAVIS", root))
    return _some([Case(dataset="davis", name=p.name, source=p) for p in clips], "DAVIS", root, "a clip")


def clips(root: Path) -> list[Case]:
    """Any folder of videos and of folders with frames, or of frames. Every second frame is observed."""
    if _holds_images(root):
        return [Case(dataset="clips", name=root.name, source=root)]
    found = _clips(root)
    if not found:
        raise VideoError(
            f"{root}: in this folder is no video, no folder of frames, and no data set by its name "
            f"({', '.join(DATASETS)}); put some there, or give another folder"
        )
    stems = [p.stem for p in found]
    return [
        Case(dataset="clips", name=p.stem if stems.count(p.stem) == 1 else p.name, source=p) for p in found
    ]


def drawn() -> list[Case]:
    """A clip made up here, for a trial without data."""
    return [Case(dataset="pattern", name="disc", source=None)]


DATASETS: dict[str, Callable[[Path], list[Case]]] = {
    "adobe240": adobe240,
    "x4k1000fps": x4k1000fps,
    "nd-scene": nd_scene,
    "vimeo90k": vimeo90k,
    "ucf101": ucf101,
    "snu-film": snu_film,
    "middlebury": middlebury,
    "xiph": xiph,
    "davis": davis,
}


def find_cases(root: Path) -> list[Case]:
    """The cases of every data set that lies in ``root`` under its name in ``DATASETS``, or, if there is
    none, of the clips in ``root`` itself.

    Raises:
        VideoError: there is no such folder, a data set lacks a part, or there is nothing to be found.
    """
    root = Path(root)
    if not root.is_dir():
        raise VideoError(
            f"{root}: {'this is a file' if root.exists() else 'there is no such folder'}; "
            "give a folder with clips or data sets"
        )
    found = {name: load for name, load in DATASETS.items() if (root / name).is_dir()}
    if not found:
        return clips(root)
    return [case for name, load in found.items() for case in load(root / name)]


class Extent(TypedDict, total=False):
    """What ``reduced`` leaves of a task; all of it where nothing is said."""

    clips: int
    frames: int
    size: tuple[int, int]


def reduced(
    cases: Iterable[Case],
    *,
    clips: int | None = None,
    frames: int | None = None,
    size: tuple[int, int] | None = None,
) -> list[Case]:
    """A smaller task of the same kind: the first clips of each data set, fewer frames, another size."""
    counts: dict[str, int] = {}
    kept = []
    for case in cases:
        counts[case.dataset] = counts.get(case.dataset, 0) + 1
        if clips is None or counts[case.dataset] <= clips:
            limits = [limit for limit in (frames, case.frames) if limit]
            # Never fewer than the task needs: all of a triplet, both ends and what lies between elsewhere.
            count = max(min(limits), case.stride + 1) if limits else None
            kept.append(replace(case, frames=count, size=size or case.size))
    return kept


def _triplet(dataset: str, name: str, paths: list[Path], root: Path) -> Case:
    return Case(dataset=dataset, name=name, source=tuple(_need(p, dataset, root) for p in paths))


def _need(path: Path, dataset: str, root: Path) -> Path:
    if not path.exists():
        raise _lacking(dataset, root, str(path.relative_to(root)))
    return path


def _lacking(dataset: str, root: Path, what: str, count: int = 1) -> VideoError:
    more = f" and {count - 1} more" if count > 1 else ""
    return VideoError(
        f"{root}: {dataset} lacks {what}{more}; docs/benchmarks.md has its layout and where to get it"
    )


def _some(cases: list[Case], dataset: str, root: Path, what: str) -> list[Case]:
    if not cases:
        raise _lacking(dataset, root, what)
    return cases


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text().splitlines() if line.strip()]


def _subfolders(folder: Path) -> list[Path]:
    return natsorted(
        (p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")), key=lambda p: p.name
    )


def _holds_images(folder: Path) -> bool:
    return any(p.suffix.lower() in IMAGE_SUFFIXES for p in folder.iterdir() if not p.name.startswith("."))


def _clips(folder: Path) -> list[Path]:
    """Videos and folders with images, in natural order."""
    found = [p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in VIDEO_SUFFIXES]
    found += [p for p in _subfolders(folder) if _holds_images(p)]
    return natsorted(found, key=lambda p: p.name)
