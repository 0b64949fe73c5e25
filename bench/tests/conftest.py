# SPDX-License-Identifier: GPL-2.0-only
"""Options and markers of the tests of the command `tlbbench`."""
import fcntl
import os
import shutil
import subprocess
import tempfile

import pytest

import tlbtest


def pytest_addoption(parser):
    """Add --update-golden; it needs the directory bench/tests on the command line."""
    parser.addoption("--update-golden", action="store_true",
                     help="rewrite bench/tests/golden and the numbers of data/ledger from "
                     "what is now")


def pytest_configure(config):
    """Register the markers of the tests that boot virtual machines or change settings."""
    config.addinivalue_line("markers", "vm: builds or boots a real kernel")
    config.addinivalue_line("markers", "tunes: changes settings of this machine for some seconds")


@pytest.fixture(scope="session", autouse=True)
def _binary():
    """Fail early and once where there is nothing to test."""
    if not tlbtest.BINARY.is_file():
        pytest.fail(f"{tlbtest.BINARY}: not built; run make, or set TLBBENCH")


@pytest.fixture(scope="session", autouse=True)
def _run_dir(tmp_path_factory):
    """Neither see nor disturb a tlbbench that keeps this machine quiet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLBBENCH_RUN_DIR", str(tmp_path_factory.mktemp("run") / "tlbbench"))
        yield


@pytest.fixture(autouse=True)
def _real_run_dir(request, monkeypatch):
    """Settings of this machine that a killed test leaves changed are restored by any command."""
    if request.node.get_closest_marker("tunes"):
        monkeypatch.delenv("TLBBENCH_RUN_DIR")


@pytest.fixture(scope="module", autouse=True)
def _cache(request, tmp_path_factory):
    """Keep how long tests took out of the user's cache; those in VMs need its kernels."""
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("vm") is None:
            patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def nobody():
    """Return a prefix that runs a command as nobody, and where nobody finds the command."""
    if os.geteuid():
        yield [], tlbtest.BINARY
        return
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        yield (["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
               shutil.copy(tlbtest.BINARY, directory))


@pytest.fixture(scope="module")
def one_machine():
    """Hold the lock of all tests that boot virtual machines."""
    tlbtest.CACHE.mkdir(parents=True, exist_ok=True)
    with open(tlbtest.CACHE / "tlbbench-vm-test.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def images(one_machine):
    """Return strategy to image directory; they must have been built."""
    names = ["baseline", "lazy-ipi"]
    done = subprocess.run([tlbtest.ROOT / "kernels/build", "--path", "baseline",
                           "runtime:lazy-ipi"], check=False,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        pytest.fail(done.stderr)
    return dict(zip(names, map(type(tlbtest.ROOT), done.stdout.split())))
