"""A task is given a GPU if ``--device`` says so, and only then; Ray takes our word that a node has one."""

import json
import subprocess
import sys

import pytest
from command.cluster.clusters import NODE

pytest.importorskip("ray", reason="Ray isn't installed: pip install 'tweenfield[ray]'")

ASKING = """
import json, sys
import torch
from tweenfield.command.cluster import spread
from tweenfield.command.cluster.tasks import connected
from tweenfield.command.options import Device
from tweenfield.errors import UsageError

torch.set_num_threads(1)

def given(size):
    import ray
    context = ray.get_runtime_context()
    return context.get_assigned_resources(), ray.nodes(), context.get_node_id()

found = {}
with connected(sys.argv[1]) as cluster:
    for device in Device:
        try:
            chosen = spread.device_of(cluster, device)
        except UsageError as error:
            found[device.value] = str(error)
            continue
        sizes = [(1080, 1920), (2160, 3840)]
        tasks = dict(cluster.run(given, sizes, lambda size: spread.need_of(chosen, size)))
        found[device.value] = [
            {**amounts, "of": next(n["Resources"].get("GPU", 0) for n in nodes if n["NodeID"] == own)}
            for amounts, nodes, own in (tasks[k] for k in range(len(sizes)))
        ]
print(json.dumps(found))
"""


def resources(gpus):
    """What each of two tasks is given, by device, where one of two nodes has so many GPUs."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0})
    try:
        cluster.add_node(**NODE, num_cpus=1)
        cluster.add_node(**NODE, num_cpus=1, num_gpus=gpus)
        ended = subprocess.run(
            [sys.executable, "-c", ASKING, cluster.address], capture_output=True, text=True, check=True
        )
        return json.loads(ended.stdout)
    finally:
        cluster.shutdown()


def test_tasks_are_given_the_gpus_and_the_memory_that_they_declare():
    found, at_1080p, at_4k = resources(1), (1 << 30) + 500 * 1080 * 1920, (1 << 30) + 500 * 2160 * 3840
    for device in ("auto", "cuda"):
        assert found[device] == [
            {"CPU": 1, "GPU": 1, "memory": memory, "of": 1} for memory in (at_1080p, at_4k)
        ]
    for task, memory in zip(found["cpu"], (at_1080p, at_4k), strict=True):
        assert task.items() >= {"CPU": 1, "memory": memory}.items() and "GPU" not in task


def test_without_gpus_none_is_asked_for():
    found = resources(0)
    assert found["cuda"] == "--device cuda: no machine of the cluster has a GPU; leave it out"
    assert all("GPU" not in task for device in ("auto", "cpu") for task in found[device])
