# SPDX-License-Identifier: GPL-2.0-only
"""The page in a real browser: it opens from a file, unpacks its pictures, and sorts."""
from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
from make_campaign import make

pytestmark = pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium (make setup)")
FRAME = """<body><script>
const frame = document.createElement("iframe");
const until = async (what) => { while (!what()) await new Promise((r) => setTimeout(r, 20)); };
frame.width = 1100; frame.height = 90000;
frame.onload = async () => {
  const page = frame.contentDocument, images = [...page.images];
  frame.contentWindow.dispatchEvent(new Event("beforeprint"));
  page.querySelectorAll("details").forEach((d) => { d.open = true; });
  await until(() => images.every((i) => i.complete && i.naturalWidth));
  const table = page.querySelectorAll("section table.sortable")[0];
  const names = () => [...table.tBodies[0].rows].map((r) => r.cells[0].textContent.trim());
  const sorts = [];
  for (let i = 0; i < 2; i++) {
    table.tHead.rows[0].cells[3].querySelector("button").click();
    sorts.push(names());
  }
  const style = frame.contentWindow.getComputedStyle(page.body);
  document.body.append("RESULT" + JSON.stringify({
    images: images.length, sorts, background: style.backgroundColor,
    wide: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    resources: frame.contentWindow.performance.getEntriesByType("resource")
      .filter((r) => !r.name.startsWith("data:")).length }) + "END");
};
frame.src = "report.html";
document.body.append(frame);
</script>
"""


def look(tmp_path, directory, frame=FRAME, *options):
    """Open the report in a frame; return what a script there says of it."""
    (directory / "frame.html").write_text(frame)
    done = subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--timeout=60000",
         f"--user-data-dir={tmp_path}/browser", "--allow-file-access-from-files", "--dump-dom",
         "--virtual-time-budget=20000", *options, f"file://{directory}/frame.html"],
        capture_output=True, text=True, timeout=200)
    found = re.search("RESULT(.*)END", re.sub("<script>.*</script>", "", done.stdout, flags=re.S))
    assert found, done.stdout[-500:] + done.stderr[-2000:]
    return json.loads(found[1].replace("&gt;", ">"))


def test_page(run, tmp_path):
    directory = make(tmp_path / "c", "kvm")
    run("compare", directory)
    seen = look(tmp_path, directory)
    assert seen["images"] == 8 and seen["resources"] == 0 and seen["wide"] <= 0
    up, down = seen["sorts"]
    assert sorted(up) == sorted(down) and up != down
    assert up[0].startswith("flushes_per_op")  # 0.0 %, the smallest number
    assert up[-1].startswith(("ipis_sent", "ipis_received"))  # 0 -> 3 is no number: last
    assert down[-1].startswith(("ipis_sent", "ipis_received"))


@pytest.mark.parametrize("width", [360, 1100])
def test_fits_the_window(run, tmp_path, width):
    directory = make(tmp_path / "c", "kvm")
    run("compare", directory)
    seen = look(tmp_path, directory, FRAME.replace("width = 1100", f"width = {width}"))
    assert seen["wide"] <= 0


def test_dark(run, tmp_path):
    directory = make(tmp_path / "c")
    run("compare", directory)
    light = look(tmp_path, directory)["background"]
    dark = look(tmp_path, directory, FRAME, "--force-dark-mode")["background"]
    assert light == "rgb(253, 253, 252)" and dark == "rgb(21, 24, 28)"
