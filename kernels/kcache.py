# SPDX-License-Identifier: GPL-2.0-only
"""The cache: where it is, directories that appear whole or not at all, and the lock."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
from pathlib import Path

from kerr import Error, no_space, say

PARTIAL = ".new-"
FULL_BYTES = 16 << 20


def _no_cache(why):
    return Error(f"no cache: {why}; expected a directory that can be made and written: set"
                 " XDG_CACHE_HOME to one with about 4 GB free")


def cache_dir():
    """Return the root of the cache, made if need be."""
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tlbbench"
        root.mkdir(parents=True, exist_ok=True)
        if not os.access(root, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(root))
    except RuntimeError as err:
        raise _no_cache("there is no home directory") from err
    except OSError as err:
        if err.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _no_cache(f"{err.filename}: {err.strerror}") from err
    return root


@contextlib.contextmanager
def locked(where, name="lock"):
    """Hold a lock in a directory; if another process has it, say so and wait.

    That of the cache itself is for builds of our own tree. What comes from outside has others, so
    that it does not wait for them.
    """
    with open(where / name, "a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            say(f"waiting for another kernel build (process {lock.read().strip() or '?'})")
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


@contextlib.contextmanager
def new_dir(final):
    """Yield an empty directory that becomes `final` when the block ends, and vanishes if it fails.

    Call it with the lock held: what an earlier process left half-made beside it is removed. A
    directory that is already there is replaced.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    for left in final.parent.glob(f"{PARTIAL}*"):
        shutil.rmtree(left)
    partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=final.parent))
    try:
        partial.chmod(0o755)
        yield partial
        if final.exists():
            os.rename(final, f"{partial}.old")
        os.rename(partial, final)
        shutil.rmtree(f"{partial}.old", ignore_errors=True)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def write_synced(path, data):
    """Write the bytes `data` to `path` and wait until they are on the disk."""
    with open(path, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def failure(where, text):
    """Return the Error for a tool that failed below `where`: the disk is full, or `text`."""
    return no_space(where) if shutil.disk_usage(where).free < FULL_BYTES else Error(text)


def load_json(path):
    """Return the dict stored in `path`, empty if there is none that can be read."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def store_json(path, value):
    """Replace the file `path` by the dict `value`; readers see the old or the new one."""
    partial = path.with_name(f"{PARTIAL}{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(value, indent=1, sort_keys=True))
    os.replace(partial, path)
