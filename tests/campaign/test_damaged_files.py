"""Whatever a file holds, a command ends with one sentence, and leaves and changes nothing.

``CAMPAIGN=2500 pytest tests/campaign`` (``make campaign``) makes as many cases; without, there are a few.
"""

import os
import shutil

import pytest
from campaign.cases import cases_of, run_cases
from campaign.judging import judged
from campaign.seeds import make_seeds

CASES = int(os.environ.get("CAMPAIGN", "0"))


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return make_seeds(tmp_path_factory.mktemp("seeds"))


def test_every_seed_is_healthy(seeds, tmp_path):
    for seed in seeds.values():
        folder = shutil.copytree(seed.folder, tmp_path / seed.name)
        assert judged([*seed.lines[0], "-q"], folder, taken={"m.tween", "m.checkpoint.tween"}) == []
        assert any(p.name.startswith("out") or p.name == "m.tween" for p in folder.iterdir()), seed.name


@pytest.mark.timeout(max(300, 20 * CASES))
def test_damaged_files(seeds, capsys):
    found, done = [], 0
    for case, wrong in run_cases(seeds, cases_of(seeds, CASES or 4 * len(seeds))):
        done += 1
        if wrong:
            found.append((*case, *wrong))
        if CASES and (wrong or done % 100 == 0):
            with capsys.disabled():
                print(f"\n{done}: {len(found)} found", *(found[-1] if wrong else ()), sep="\n  ", flush=True)
    assert not found, f"{len(found)} of {done} cases: {found}"
