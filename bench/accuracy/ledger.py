# SPDX-License-Identifier: GPL-2.0-only
"""Numbers under load: ops/s and the ledger of each workload at its default, once.

Costs are per op, or per event where the op is only a request. What could not be measured is "-";
the reasons are below the table.
"""
import subprocess

from tools import Unavailable

OPS = 100
COSTS = ("ipis_received", "flushes", "full_flushes", "faults")
HEAD = ("workload", "ops/s", "p50 ns", "IPIs", "flushes", "full", "faults", "pages", "per")
LAYOUT = "{:<17} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8} {:>6}  {}"


def find(metrics, name):
    """Return the metric of that name; of a cost that of whatever it is per."""
    return next((metric for metric in metrics if metric["name"] == name or
                 metric["name"].startswith(f"{name}_per_") and "." not in metric["name"]), None)


class Table:
    """The lines of all workloads, and why values are absent, with the workloads by reason."""

    def __init__(self):
        self.absent = {}

    def cell(self, workload, metric):
        """Return a value as it is printed; remember the reason of one that is absent."""
        if not metric:
            return "-"
        if metric["status"] == "absent":
            self.absent.setdefault(metric["reason"], []).append(workload)
            return "-"
        value = metric["value"]
        return f"{value:.0f}" if value >= 1000 else f"{value:.4g}"

    def line(self, record):
        """Return the line of a workload that ran."""
        metrics = record.fields["metrics"]
        name = record.fields["workload"]
        names = ("op_p50_ns", *COSTS, "pages_per_flush")
        cells = [self.cell(name, find(metrics, one)) for one in names]
        per = find(metrics, "flushes")["name"].removeprefix("flushes_per_")
        return LAYOUT.format(name, f"{record.loop_rate():.0f}", *cells, per)

    def footnotes(self):
        """Return a line for each reason why a value is absent."""
        return [f"-: {reason}: {', '.join(dict.fromkeys(names))}"
                for reason, names in self.absent.items()]


def lines(tools, names, ops=OPS):
    """Yield the lines of the table; a workload that fails is a RuntimeError at the end."""
    table, failed = Table(), []
    yield LAYOUT.format(*HEAD)
    for name in names:
        try:
            yield table.line(tools.record(name, ops=ops))
        except Unavailable as reason:
            yield f"{name}: not measured: {reason}"
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            yield f"{name}: failed: {error}"
            failed.append(name)
    yield from table.footnotes()
    if failed:
        raise RuntimeError(f"failed: {', '.join(failed)}")
