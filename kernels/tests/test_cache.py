# SPDX-License-Identifier: GPL-2.0-only
"""The cache: atomic directories, the lock, stored facts."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import kcache
import kerr

HOLD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import kcache
with kcache.locked(Path(sys.argv[2])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("home", ["/dev/null", "/proc"])
def test_cache_dir_that_cannot_be_made(monkeypatch, home):
    """The error says where it was tried and what to do; not even root can write there."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", home)
    with pytest.raises(kerr.Error, match=f"{home}/.cache.*; expected .*: set XDG_CACHE_HOME to"):
        kcache.cache_dir()


def test_cache_dir_that_cannot_be_written(monkeypatch, tmp_path):
    """It may be there already, and belong to somebody else."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kcache.cache_dir() == tmp_path / "tlbbench"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(kerr.Error, match="Permission denied; .*: set XDG_CACHE_HOME to"):
        kcache.cache_dir()


def test_new_dir_appears_when_done(tmp_path):
    final = tmp_path / "a/b"
    with kcache.new_dir(final) as new:
        (new / "file").write_text("x")
        assert not final.exists()
    assert [p.name for p in final.parent.iterdir()] == ["b"]
    assert (final / "file").read_text() == "x"


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_new_dir_leaves_nothing_when_it_fails(tmp_path, error):
    with pytest.raises(error), kcache.new_dir(tmp_path / "a") as new:
        (new / "file").write_text("x")
        raise error
    assert not list(tmp_path.iterdir())


def test_new_dir_replaces_and_clears_what_a_killed_process_left(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/old").write_text("")
    (tmp_path / f"{kcache.PARTIAL}x").mkdir()
    with kcache.new_dir(tmp_path / "a"):
        pass
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")] == ["a"]


def test_lock_waits_and_says_for_whom(tmp_path, capsys):
    code = str(Path(kcache.__file__).parent)
    with subprocess.Popen([sys.executable, "-B", "-c", HOLD, code, str(tmp_path)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == "locked\n"
        threading.Timer(0.2, holder.stdin.close).start()
        with kcache.locked(tmp_path):
            message = capsys.readouterr().err
    assert f"waiting for another kernel build (process {holder.pid})" in message


def test_store_json(tmp_path):
    path = tmp_path / "x.json"
    assert kcache.load_json(path) == {}
    kcache.store_json(path, {"a": 1})
    assert kcache.load_json(path) == {"a": 1}
    path.write_text("{half")
    assert kcache.load_json(path) == {}


@pytest.mark.parametrize("error, code, text", [
    (kerr.UsageError("x"), 2, "cmd: x\n"),
    (kerr.Error("x"), 1, "cmd: x\n"),
    (KeyboardInterrupt(), 130, "cmd: interrupted; run it again to go on\n"),
    (OSError(errno.ENOSPC, "full", "/d"), 1, "cmd: no space left in /d: free about 4 GB"),
])
def test_every_error_is_a_line_and_an_exit_code(capsys, error, code, text):
    def main():
        raise error
    assert kerr.run(main, "cmd") == code
    assert capsys.readouterr().err.startswith(text)
