# SPDX-License-Identifier: GPL-2.0-only
"""Thousands of instances: exact counts, and what one costs in memory while it waits.

The coordinator is stopped for a moment. Whatever phase it is in, the instances then come to the
next edge and sleep there, and can be looked at.
"""
import json
import random
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

INSTANCES = 4096
OPS = 23
PRIVATE_KIB = 128
SAMPLES = 64
LIMIT_S = 120


def children(pid):
    """Return the processes that a process has started."""
    return [int(word) for word in
            Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_asleep(pid):
    """Tell whether a process waits."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def private_kib(pid):
    """Return what would be free if this process did not exist."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kib) for kib in re.findall(r"^Private_\w+: +(\d+) kB$", text, re.MULTILINE))


def wait_until(condition, what):
    """Poll; fail if it takes too long."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {LIMIT_S} s")
        time.sleep(0.002)


def look_at_idle(process, nr_instances):
    """Return the private memory of some instances, in KiB, while all wait; [] if it has ended."""
    wait_until(lambda: process.poll() is not None or len(children(process.pid)) == nr_instances,
               "start of the instances")
    if process.returncode is not None:
        return []
    process.send_signal(signal.SIGSTOP)
    try:
        pids = children(process.pid)
        chosen = random.sample(pids, min(SAMPLES, len(pids)))
        wait_until(lambda: all(map(is_asleep, chosen)), "instances at an edge")
        return [private_kib(pid) for pid in chosen]
    finally:
        process.send_signal(signal.SIGCONT)


def run(tlbbench, nr_instances=INSTANCES):
    """Run many instances; return the record, private memory of some in KiB, and seconds."""
    argv = [tlbbench, "run", "--json", "munmap", f"instances={nr_instances}", "threads.responder=0",
            "share_cpus=yes", f"ops={OPS}", "warmup_ops=1", "timeout_seconds=60"]
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, subprocess.Popen(argv, stdout=out) as process:
        try:
            idle = look_at_idle(process, nr_instances)
            process.wait(LIMIT_S)
        finally:
            if process.poll() is None:
                process.kill()
        out.seek(0)
        return json.loads(out.read().splitlines()[1]), idle, time.monotonic() - begin


def measure(tools):
    """Run the instances once."""
    record, idle, seconds = run(tools.tlbbench)
    if record["state"] != "ok":
        raise RuntimeError(f"{INSTANCES} instances: {record['state']}: {record['reasons']}")
    off = sum(abs(one["ops"] - INSTANCES * OPS) for one in record["passes"].values())
    return {"off": off, "private_kib": max(idle), "wall": seconds}
