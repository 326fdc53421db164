"""Loaders on small trees in the published layouts, whose frames are numbered so that a mix-up shows."""

import shutil
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from conftest import DEMO

from tweenfield import VideoError, read_video
from tweenfield.bench.cases import Case
from tweenfield.bench.datasets import ADOBE240, DATASETS, XIPH, find_cases, reduced

FRAMES = read_video(DEMO, frames="0:9", size=(30, 45)).frames


def numbered(k, size=(30, 45)):
    """Frame k of a real clip, marked with its number."""
    picture = FRAMES[k % len(FRAMES)].copy()
    picture[: size[0] // 2] = 5 * k
    return cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)


def number(frame):
    return round(float(frame[2, 2].mean()) / 5)


def put(path, k, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), numbered(k, **options)[..., ::-1])


def tree_adobe240(root):
    for name in ADOBE240[:-1]:
        for k in range(42):
            put(root / name / f"{k:05d}.png", k)
    shutil.copy(DEMO, root / f"{ADOBE240[-1]}.mp4")


def tree_x4k1000fps(root):
    for kind, clip in (("Type1", "TEST01"), ("Type1", "TEST02"), ("Type2", "TEST06"), ("Type3", "TEST11")):
        for k in range(33):
            put(root / "test" / kind / clip / f"{k:04d}.png", k)


def tree_nd_scene(root):
    for k in range(4):
        for camera in range(1, 13):
            put(root / "Balloon1-2" / "dense" / "mv_images" / f"{k:05d}" / f"cam{camera:02d}.jpg", k)


def tree_vimeo90k(root):
    for name in ("00001/0266", "00001/0268"):
        for k in (1, 2, 3):
            put(root / "sequences" / name / f"im{k}.png", k)
    (root / "tri_testlist.txt").write_text("00001/0266\n00001/0268\n\n")


def tree_ucf101(root):
    for clip in ("1", "11", "2"):
        for k, name in enumerate(("frame_00", "frame_01_gt", "frame_02", "frame_01_ours")):
            put(root / "ucf101_interp_ours" / clip / f"{name}.png", k)


def tree_snu_film(root):
    folder = "GOPRO_test/GOPR0384_11_00"
    for k in range(9):
        put(root / "test" / folder / f"{k:06d}.png", k)
    (root / "eval_modes").mkdir()
    for mode, step in (("easy", 1), ("medium", 2), ("hard", 3), ("extreme", 4)):
        names = [f"data/SNU-FILM/test/{folder}/{k:06d}.png" for k in (4 - step, 4, 4 + step)]
        (root / "eval_modes" / f"test-{mode}.txt").write_text(" ".join(names) + "\n")


def tree_middlebury(root):
    for name in ("Beanbags", "Walking"):
        put(root / "other-data" / name / "frame10.png", 0)
        put(root / "other-data" / name / "frame11.png", 2)
        put(root / "other-gt-interp" / name / "frame10i11.png", 1)
    put(root / "other-data" / "NoTruth" / "frame10.png", 0)


def tree_xiph(root):
    for k in range(1, 101):
        put(root / f"{XIPH[0]}-{k:03d}.png", k % 50, size=(24, 36))
        for name in XIPH[1:]:
            shutil.copy(root / f"{XIPH[0]}-{k:03d}.png", root / f"{name}-{k:03d}.png")


def tree_davis(root):
    for clip in ("bear", "camel"):
        for k in range(6):
            put(root / "JPEGImages" / "480p" / clip / f"{k:05d}.jpg", k)


TREES = {
    "adobe240": tree_adobe240,
    "x4k1000fps": tree_x4k1000fps,
    "nd-scene": tree_nd_scene,
    "vimeo90k": tree_vimeo90k,
    "ucf101": tree_ucf101,
    "snu-film": tree_snu_film,
    "middlebury": tree_middlebury,
    "xiph": tree_xiph,
    "davis": tree_davis,
}
# Data sets and their clips, observed frames, held-out frames, all in the numbers that are drawn into them.
EXPECTED = {
    "adobe240": ({"adobe240": 8}, range(0, 40, 2), range(1, 38, 2)),
    "x4k1000fps": ({"x4k1000fps": 4}, [0, 32], range(4, 32, 4)),
    "nd-scene": ({"nd-scene": 24}, [0, 2], [1]),
    "vimeo90k": ({"vimeo90k": 2}, [1, 3], [2]),
    "ucf101": ({"ucf101": 3}, [0, 2], [1]),
    "snu-film": ({f"snu-film-{mode}": 1 for mode in ("easy", "medium", "hard", "extreme")}, [3, 5], [4]),
    "middlebury": ({"middlebury": 2}, [0, 2], [1]),
    "davis": ({"davis": 2}, [0, 2, 4], [1, 3]),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """All data sets side by side, each under its name."""
    root = tmp_path_factory.mktemp("data")
    for name, plant in TREES.items():
        (root / name).mkdir()
        plant(root / name)
    return root


def test_there_is_a_tree_for_every_data_set():
    assert TREES.keys() == DATASETS.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_the_right_frames_are_observed_and_held_out(root, name):
    datasets, observed, held_out = EXPECTED[name]
    cases = DATASETS[name](root / name)
    counts = {d: [case.dataset for case in cases].count(d) for d in sorted({c.dataset for c in cases})}
    assert counts == dict(sorted(datasets.items()))
    assert len({(case.dataset, case.name) for case in cases}) == len(cases)
    split = cases[0].split()
    assert [number(f) for f in split.observed.frames] == list(observed)
    assert [number(f) for f in split.held_out.frames] == list(held_out)


def test_adobe240_takes_videos_and_folders_at_the_papers_size(root):
    cases = DATASETS["adobe240"](root / "adobe240")
    assert [case.name for case in cases] == list(ADOBE240)
    split = cases[-1].split()
    assert (len(split.observed), len(split.held_out), split.observed.size) == (20, 19, (240, 360))
    truth = read_video(DEMO, frames="0:40")
    np.testing.assert_array_equal(split.held_out.frames[0], truth.frames[1])


def test_x4k_draws_the_eighths_between_its_ends(root):
    split = DATASETS["x4k1000fps"](root / "x4k1000fps")[0].split()
    assert split.positions == tuple(Fraction(k, 8) for k in range(1, 8))


def test_nd_scene_has_each_camera_by_itself_and_sliding_triplets(root):
    cases = DATASETS["nd-scene"](root / "nd-scene")
    assert cases[0].name == "Balloon1-2/cam01/00001" and cases[1].name == "Balloon1-2/cam01/00002"
    assert {p.name for p in cases[3].source} == {"cam02.jpg"}
    split = cases[1].split()
    assert split.observed.size == (288, 540)
    assert [number(f) for f in split.observed.frames] == [1, 3]


def test_snu_films_lists_differ_in_distance(root):
    found = {case.dataset: case.split() for case in DATASETS["snu-film"](root / "snu-film")}
    observed = {name: [number(f) for f in split.observed.frames] for name, split in found.items()}
    assert observed["snu-film-extreme"] == [0, 8] and observed["snu-film-medium"] == [2, 6]


def test_xiph_is_resized_and_cut(root):
    cases = DATASETS["xiph"](root / "xiph")
    assert [case.dataset for case in cases] == ["xiph-2k"] * 8 + ["xiph-4k"] * 8
    small, cut = cases[0], cases[8]
    assert (small.size, cut.margin, len(small.source)) == ((1080, 2048), (540, 1024), 99)
    # At a margin that these small pictures allow:
    video = replace(cut, frames=3, margin=(2, 6)).read()
    np.testing.assert_array_equal(video.frames[0], cv2.imread(str(cut.source[0]))[2:-2, 6:-6, ::-1])


def test_a_root_holds_data_sets_by_name(root):
    names = [case.dataset for case in find_cases(root)]
    assert {name.partition("-")[0] for name in names} == {name.partition("-")[0] for name in DATASETS}


def test_any_folder_of_videos_or_of_frames_will_do(tmp_path):
    shutil.copy(DEMO, tmp_path / "walk.mp4")
    (tmp_path / "notes.txt").write_text("not a clip")
    for k in range(5):
        put(tmp_path / "stills" / f"{k}.png", k)
    both = find_cases(tmp_path)
    assert [(case.dataset, case.name) for case in both] == [("clips", "stills"), ("clips", "walk")]
    assert [len(case.split().held_out) for case in both] == [2, 20]
    (alone,) = find_cases(tmp_path / "stills")
    assert [number(f) for f in alone.split().observed.frames] == [0, 2, 4]


def test_clips_that_share_a_name_keep_their_suffix(tmp_path):
    for name in ("a.mp4", "a.mov", "b.mp4"):
        shutil.copy(DEMO, tmp_path / name)
    assert [case.name for case in find_cases(tmp_path)] == ["a.mov", "a.mp4", "b"]


def test_a_smaller_task_keeps_its_kind(root):
    cases = reduced(find_cases(root), clips=1, frames=5, size=(20, 30))
    assert len(cases) == len({case.dataset for case in cases}) == 13
    splits = {case.dataset: case.split() for case in cases if case.dataset != "xiph-4k"}
    assert all(split.observed.size == (20, 30) for split in splits.values())
    assert len(splits["adobe240"].observed) == 3 and len(splits["vimeo90k"].held_out) == 1


@pytest.mark.parametrize(
    ("name", "gone", "said"),
    [
        ("adobe240", "GOPR9635", "Adobe240 lacks GOPR9635 "),
        ("x4k1000fps", "test/Type2", "X4K1000FPS lacks Type2"),
        ("x4k1000fps", "test/Type1/TEST01/0007.png", "33 frames .there are 32."),
        ("nd-scene", "Balloon1-2/dense/mv_images/00002/cam07.jpg", "mv_images/00002/cam07.jpg"),
        ("vimeo90k", "tri_testlist.txt", "lacks tri_testlist.txt"),
        ("vimeo90k", "sequences/00001/0268/im2.png", "0268/im2.png"),
        ("ucf101", "ucf101_interp_ours/2/frame_01_gt.png", "lacks 2/frame_01_gt.png"),
        ("snu-film", "eval_modes/test-hard.txt", "lacks test-hard.txt"),
        ("middlebury", "other-data/Walking/frame11.png", "lacks other-data/Walking/frame11.png"),
        ("middlebury", "other-gt-interp", "lacks other-gt-interp"),
        ("xiph", "Tango-099.png", "lacks Tango-099.png"),
        ("davis", "JPEGImages", "lacks JPEGImages/480p"),
    ],
)
def test_what_is_missing_is_named(tmp_path, name, gone, said):
    TREES[name](tmp_path)
    path = tmp_path / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(VideoError, match=f"{said}.*docs/benchmarks.md"):
        DATASETS[name](tmp_path)


def test_pictures_of_two_sizes_are_refused(tmp_path):
    tree_middlebury(tmp_path)
    put(tmp_path / "other-gt-interp" / "Walking" / "frame10i11.png", 1, size=(24, 36))
    with pytest.raises(VideoError, match=r"frame10i11.png: the image is 24x36 but .* 30x45"):
        DATASETS["middlebury"](tmp_path)[1].split()


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("not a clip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoError, match=r"no video, no folder of frames, and no data set .*vimeo90k"):
        find_cases(tmp_path)
    with pytest.raises(VideoError, match="no such folder"):
        find_cases(tmp_path / "none")


def test_what_is_too_short_or_empty_is_named(tmp_path):
    tree_nd_scene(tmp_path / "nd-scene")
    for k in (1, 2):
        shutil.rmtree(tmp_path / "nd-scene" / "Balloon1-2" / "dense" / "mv_images" / f"{k:05d}")
    with pytest.raises(VideoError, match=r"lacks 3 times or more \(there are 2\)"):
        find_cases(tmp_path)
    (tmp_path / "davis" / "JPEGImages" / "480p").mkdir(parents=True)
    with pytest.raises(VideoError, match="DAVIS lacks a clip"):
        DATASETS["davis"](tmp_path / "davis")


def test_a_list_of_other_than_triplets_is_refused(tmp_path):
    tree_snu_film(tmp_path)
    listing = tmp_path / "eval_modes" / "test-easy.txt"
    listing.write_text(listing.read_text().rsplit(maxsplit=1)[0] + "\n")
    with pytest.raises(VideoError, match=r"test-easy.txt: line \d has 2 paths, not 3"):
        DATASETS["snu-film"](tmp_path)


def test_a_margin_is_cut_off_a_video_too():
    cut = Case(dataset="clips", name="bunny", source=DEMO, frames=3, margin=(40, 30)).read()
    np.testing.assert_array_equal(cut.frames, read_video(DEMO, frames="0:3").frames[:, 40:-40, 30:-30])
