# SPDX-License-Identifier: GPL-2.0-only
"""Errors, messages and exit codes that the commands of kernels/ share."""

import errno
import os
import signal
import sys

FAILED = 1
USAGE = 2
INTERRUPTED = 130


class Error(Exception):
    """Something failed; the text is one line that says what to do about it."""

    code = FAILED


class UsageError(Error):
    """The command was called in a way that cannot work."""

    code = USAGE


class NotMade(UsageError):
    """What was named can be made, and was not to be."""


def say(text):
    """Print one line for the user, on stderr: stdout is for results."""
    print(f"kernels: {text}", file=sys.stderr, flush=True)


def no_space(where):
    """Return the Error for a full disk below the directory `where`."""
    return Error(f"no space left in {where}: free about 4 GB there, or set XDG_CACHE_HOME to"
                 " a directory on a larger disk")


def _interrupt(_signum, _frame):
    raise KeyboardInterrupt


def run(main, command):
    """Call main() and return the exit code of `command`, with every error as one line."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return main()
    except Error as err:
        print(f"{command}: {err}", file=sys.stderr)
        return err.code
    except KeyboardInterrupt:
        print(f"{command}: interrupted; run it again to go on", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as err:
        if err.errno in (errno.ENOSPC, errno.EDQUOT):
            err = no_space(err.filename or "the cache")
        print(f"{command}: {err}", file=sys.stderr)
        return FAILED
