"""A Ray cluster of several nodes on this machine, and its processes."""

import os
import signal
import subprocess
import time
from contextlib import contextmanager

# Nothing is told to anyone, and a node that is gone is missed soon.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
NODE = {"object_store_memory": 100 << 20, "memory": 8 << 30, "include_dashboard": False}


@contextmanager
def cluster_of(nodes):
    """A head that computes nothing, and so many nodes of one processor; gives its address and the nodes."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0})
    try:
        yield cluster.address, [cluster.add_node(**NODE, num_cpus=1) for _ in range(nodes)]
    finally:
        cluster.shutdown()


def kill_a_busy_worker():
    """SIGKILL a process that works at a task, once there is one."""
    while True:
        listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True)
        for line in listed.stdout.splitlines():
            process, _, name = line.strip().partition(" ")
            if name.startswith("ray::_task"):
                os.kill(int(process), signal.SIGKILL)
                return
        time.sleep(0.05)


def kill_node(node):
    """SIGKILL the process that a node is; those that it started end with it."""
    for info in node.all_processes["raylet"]:
        os.kill(info.process.pid, signal.SIGKILL)
