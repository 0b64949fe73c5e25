# SPDX-License-Identifier: GPL-2.0-only
"""How long a report takes: ten thousand records, and a page of two hundred cases."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import Unavailable

ROOT = Path(__file__).resolve().parents[2]
RECORDS, SECONDS, MIB = 10000, 5, 500
PAGE_CASES, PAGE_MS = 200, 1000
COMPARE = """
import json, resource, sys, time
from pathlib import Path
start = time.monotonic()
from tlbreport import compare, load
campaign = load.load(Path(sys.argv[1]))
rows = [row for table in compare.tables(campaign) for row in table.rows]
records = sum(len(slot.boot.repetitions) for slot in campaign.slots)
print(json.dumps([time.monotonic() - start, records, len(rows),
                  resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
# What the tests invent is small: the rest is as in a record that a campaign has left.
MAKE = """
import json, sys
from pathlib import Path
from make_campaign import make
real = json.loads(next(Path(sys.argv[1]).glob("*/slots/00-*/records.jsonl")).read_text()
                  .splitlines()[1])
def edit(kind, record):
    if kind == "repetition":
        metrics = {m["name"]: m for m in [*real["metrics"], *record["metrics"]]}
        record.update({key: real[key] for key in ("counters", "threads", "clock", "shootdown")},
                      metrics=list(metrics.values()))
cases, pairs, repetitions = map(int, sys.argv[3:])
make(Path(sys.argv[2]), "kvm", pairs=pairs, repetitions=repetitions, edit=edit,
     cases={f"case{i}": "w" for i in range(cases)})
"""
# A frame is loaded when all that its page needs at once is there; asking for a height lays it out.
FRAME = """<body><script>
const start = performance.now(), frame = document.createElement("iframe");
frame.width = 1100; frame.height = 900;
frame.onload = () => {
  const height = frame.contentDocument.body.offsetHeight;
  document.body.append(`opened in ${performance.now() - start} ms, ${height} px`);
};
frame.src = "report.html";
document.body.append(frame);
</script>
"""


def python(*argv):
    """Run Python with the report's modules at hand; return what it prints."""
    path = os.pathsep.join(str(ROOT / "report" / part) for part in ("", "tests"))
    return subprocess.run([sys.executable, "-B", *argv], env={**os.environ, "PYTHONPATH": path},
                          check=True, capture_output=True, text=True, timeout=300).stdout


def campaign(directory, cases, pairs, repetitions):
    """Write a campaign of two kernels."""
    python("-c", MAKE, ROOT / "results/published", directory,
           *map(str, (cases, pairs, repetitions)))


def compare(scratch):
    """Load and compare ten thousand records."""
    directory = scratch / "records"
    campaign(directory, RECORDS // 40, 10, 2)
    seconds, records, rows, mib = json.loads(python("-c", COMPARE, directory))
    assert records == RECORDS and rows, (records, rows)
    return {"seconds": seconds, "mib": mib}


def page(scratch):
    """Write a page of two hundred cases and open it in a browser."""
    if not shutil.which("chromium"):
        raise Unavailable("needs chromium")
    directory = scratch / "page"
    campaign(directory, PAGE_CASES, 5, 1)
    python(ROOT / "report/run", "compare", directory)
    (directory / "frame.html").write_text(FRAME)
    done = subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--timeout=20000",
         f"--user-data-dir={scratch}/browser", "--allow-file-access-from-files", "--dump-dom",
         f"file://{directory}/frame.html"], capture_output=True, text=True, timeout=120)
    opened = re.search(r"opened in ([0-9.]+) ms", done.stdout)
    return {"page_ms": float(opened[1])} if opened else {}


def measure(tools):
    """Measure both."""
    with tempfile.TemporaryDirectory(prefix="tlbbench-reading-") as scratch:
        values = compare(Path(scratch))
        try:
            return {**values, **page(Path(scratch))}
        except Unavailable:
            return values
