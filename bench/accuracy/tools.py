# SPDX-License-Identifier: GPL-2.0-only
"""The programs that `make bench` runs, and what their output means."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

TIMEOUT_S = 20
# Between two runs under SCHED_FIFO, so that nobody throttles them.
PAUSE_S = 0.05
SKIPPED_OR_OK = (0, 4)


class Unavailable(Exception):
    """This machine or user cannot do it; the text says what is missing."""


def output(argv, may_exit=(0,), **options):
    """Run a command, which must end with one of these states, and return all that it prints."""
    time.sleep(PAUSE_S)
    done = subprocess.run([str(word) for word in argv], check=False, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=TIMEOUT_S,
                          env={**os.environ, "LC_ALL": "C"}, **options)
    if done.returncode not in may_exit:
        raise RuntimeError(f"{' '.join(done.args)}: exit {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def nr_cpus():
    """Return how many CPUs may be used."""
    return len(os.sched_getaffinity(0))


def need_two_cpus():
    """Without a second CPU there is nobody to interrupt."""
    if nr_cpus() < 2:
        raise Unavailable("needs 2 CPUs")


def tlb_interrupts():
    """Return the TLB shootdowns of all CPUs since the boot, as /proc/interrupts counts them."""
    found = re.search(r"^ *TLB:((?: +\d+)+)", Path("/proc/interrupts").read_text(), re.MULTILINE)
    if not found:
        raise Unavailable("no line TLB in /proc/interrupts")
    return sum(map(int, found[1].split()))


class Record:
    """One repetition that ended well."""

    def __init__(self, fields):
        self.fields = fields
        self.timed = fields["passes"]["timed"]
        self.cpus = [thread["cpu"] for thread in fields["threads"]]
        self.ops = sum(one["ops"] + fields["harness"]["warmup_ops"]
                       for one in fields["passes"].values() if one)

    def metric(self, name):
        """Return the value of a metric; an absent one is unavailable, with its reason."""
        metric, = [metric for metric in self.fields["metrics"] if metric["name"] == name]
        if metric["status"] == "absent":
            raise Unavailable(f"{name}: {metric['reason']}")
        return metric["value"]

    def p50_ns(self):
        """Return the median op time, as reported."""
        return self.metric("op_p50_ns")

    def pair_ns(self):
        """Return the recorded cost of an empty pair of timestamps."""
        clock = self.fields["clock"]
        return clock["pair_p50_ticks"] * 1e9 / clock["ticks_per_second"]

    def act_rate(self):
        """Return ops per second of op time."""
        return self.timed["histogram"]["count"] * 1e9 / self.timed["histogram"]["sum"]

    def loop_rate(self):
        """Return ops per second that passed, with rearm, rendezvous and check."""
        return self.timed["ops"] * 1e9 / self.timed["elapsed_ns"]


class Hand:
    """What a run of the hand-written program printed."""

    def __init__(self, fields):
        self.fields = fields

    def p50_ns(self):
        """Return the median op time."""
        return self.fields["p50_ns"]

    def act_rate(self):
        """Return ops per second of op time."""
        return self.fields["ops"] * 1e9 / self.fields["sum_ns"]

    def loop_rate(self):
        """Return ops per second that passed."""
        return self.fields["ops"] * 1e9 / self.fields["elapsed_ns"]


class Tools:
    """The binaries of one build."""

    def __init__(self, build):
        self.tlbbench = build / "tlbbench"
        self.accuracy = build / "accuracy"

    def record(self, workload, **keys):
        """Run a workload and return its record."""
        lines = output([self.tlbbench, "run", "--json", workload,
                        *(f"{key}={value}" for key, value in keys.items())], SKIPPED_OR_OK)
        fields = json.loads(lines.splitlines()[1])
        if fields["state"] == "skipped":
            raise Unavailable("; ".join(fields["reasons"]))
        if fields["state"] != "ok":
            raise RuntimeError(f"{workload}: {fields['state']}: {fields['reasons']}")
        return Record(fields)

    def workloads(self):
        """Return the names of all workloads; tests of soundness measure nothing."""
        names = [line.split()[0] for line in output([self.tlbbench, "list"]).splitlines()]
        return [name for name in names if "/" not in name]

    def hand(self, act, nr_ops, cpus):
        """Run the hand-written loop of an act.

        Its mm must never have been on a CPU where it has no thread: that CPU would stay in the
        mask of the mm, and each flush would look at it, which costs more than half of a short act.
        """
        return Hand(json.loads(output([self.accuracy / "hand", act, nr_ops, *cpus],
                                      preexec_fn=lambda: os.sched_setaffinity(0, cpus[:1]))))

    def histcost_ns(self):
        """Return what adding a value to a histogram costs."""
        return float(output([self.accuracy / "histcost"]))

    def env_s(self):
        """Return how long the audit of machine and kernel takes."""
        begin = time.monotonic()
        subprocess.run([self.tlbbench, "env"], check=False, stdout=subprocess.DEVNULL,
                       timeout=TIMEOUT_S)
        return time.monotonic() - begin


def stress_ng(seconds):
    """Run the TLB shootdown stressor; return bogo ops, and those per second of real time."""
    if not shutil.which("stress-ng"):
        raise Unavailable("stress-ng is not installed: make setup")
    text = output(["stress-ng", "--tlb-shootdown", 1, "-t", seconds, "--metrics"],
                  cwd=tempfile.gettempdir())
    found = re.search(r"tlb-shootdown +(\d+) +[\d.]+ +[\d.]+ +[\d.]+ +([\d.]+)", text)
    if not found:
        raise RuntimeError(f"stress-ng: expected a line of metrics, got: {text}")
    return int(found[1]), float(found[2])
