# SPDX-License-Identifier: GPL-2.0-only
"""A small site to test with: a kernels/ directory, a base tarball, a cache, and a fake make."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

MAKEFILE = "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\nEXTRAVERSION =\n"

PATCH = """From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: A <a@example.org>
Date: Mon, 1 Jan 2024 00:00:00 +0000
Subject: [PATCH] {subject}

Signed-off-by: A <a@example.org>
---
--- a/mm/x.c
+++ b/mm/x.c
@@ -1 +1 @@
-{old}
+{new}
"""

KCONFIG = """--- /dev/null
+++ b/mm/Kconfig.fake
@@ -0,0 +1,4 @@
+config TLB_FAKE
+	bool
+	[TLB_FAKE] = "fake",
+	FAMILY(fake)
"""

STRATEGY = """[strategy]
family = {family}
choice = {choice}
boot = tlb_strategy=fake
hypothesis = none
sound = yes
litmus =
why =
link = https://example.org/thread
expect = fake
"""

# It answers allnoconfig with the fragment itself, and vmlinux with a file of its own.
FAKE_MAKE = """#!/bin/sh
set -eu
for arg; do
    case $arg in
    O=*) out=${arg#O=} ;;
    KCONFIG_ALLCONFIG=*) fragment=${arg#*=} ;;
    esac
done
if [ "$arg" = allnoconfig ]; then
    grep -v "^${FAKE_MAKE_DROPS:-nothing}" "$fragment" > "$out/.config"
    exit 0
fi
[ ! -e "$TMPDIR/make-fails" ] || { echo "  CC      mm/x.o"; echo boom; exit 2; }
mkdir -p "$out/include/config"
local=$(sed -n 's/^CONFIG_LOCALVERSION="\\(.*\\)"/\\1/p' "$out/.config")
echo "6.12.7$local" > "$out/include/config/kernel.release"
echo "  CC      mm/x.o"
cp "$out/.config" "$out/vmlinux"
"""


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _make_tarball(root):
    top = root / "linux-fake"
    for name, text in {"Makefile": MAKEFILE, "Kconfig": "", "mm/x.c": "one\n",
                       "Documentation/Kconfig": "", "Documentation/mm/b.rst": "text",
                       "Documentation/admin-guide/p.txt": "text",
                       "sound/core/a.c": "", "sound/core/Kconfig": "", "arch/arm/a.c": "",
                       "arch/arm/Kconfig": "", "arch/x86/a.c": ""}.items():
        _write(top / name, text)
    tarball = root / "linux-fake.tar.xz"
    subprocess.run(["tar", "-C", root, "-cJf", tarball, "linux-fake"], check=True)
    return tarball


def _make_kernels(kernels, tarball):
    _write(kernels / "base.conf",
           f"[base]\npackage = linux-fake\ntarball = {tarball}\nversion = 6.12\n")
    _write(kernels / "config/vm.config", "CONFIG_SMP=y\n# CONFIG_NET is not set\n")
    _write(kernels / "config/checked.config", "CONFIG_DEBUG_VM=y\n")
    _write(kernels / "patches/0001-a.patch", PATCH.format(subject="a", old="one", new="two"))
    _write(kernels / "patches/0002-b.patch",
           PATCH.format(subject="b", old="two", new="three") + KCONFIG)
    _write(kernels / "patches/series", "0001-a.patch\n0002-b.patch\n")
    _write(kernels / "strategies/baseline.conf", STRATEGY.format(family="", choice=""))
    _write(kernels / "strategies/fake.conf", STRATEGY.format(family="fake", choice="TLB_FAKE"))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a namespace: kernels, tarball, cache (all Paths), tmp; KSRC unset, make is a fake."""
    tarball = _make_tarball(tmp_path)
    _make_kernels(tmp_path / "kernels", tarball)
    _write(tmp_path / "bin/make", FAKE_MAKE)
    (tmp_path / "bin/make").chmod(0o755)
    monkeypatch.delenv("KSRC", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{_path()}")
    cache = tmp_path / "xdg/tlbbench"
    cache.mkdir(parents=True)
    return SimpleNamespace(kernels=tmp_path / "kernels", tarball=tarball, cache=cache, tmp=tmp_path)


def _path():
    """Return the directories of the tools that the fake site uses for real."""
    return ":".join(sorted({str(Path(shutil.which(tool)).parent) for tool in ("sh", "tar", "gcc")}))


def pytest_configure(config):
    """Register the marker of the tests that build real kernels from nothing."""
    config.addinivalue_line("markers", "slow: builds kernels in an empty cache; takes ten minutes")
