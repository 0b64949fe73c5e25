# SPDX-License-Identifier: GPL-2.0-only
"""Progress of campaigns and of `tlbbench run`, on a terminal and elsewhere."""
import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

import tlbtest
from tlbtest import run

CONF = """\
[campaign]
name = tiny
boots = 2

[defaults]
workload = munmap
cpus = 1
ops = 20
warmup_ops = 2

[case a-case-of-a-long-name]
repetitions = 3
"""
LONG = ["munmap", "cpus=1", "ops=100000000"]
ERASE = "\r\x1b[K"


class Terminal:
    """A terminal of its own for one command: stderr, and stdout if asked for."""

    def __init__(self, args, columns=60, term="xterm", stdout=subprocess.PIPE):
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.text = ""
        self.process = subprocess.Popen(
            [str(word) for word in (tlbtest.BINARY, *args)], cwd=tlbtest.ROOT,
            env=tlbtest.environment(TERM=term), stdin=slave, stdout=stdout or slave, stderr=slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def read(self, seconds):
        """Read what is there within some time; False at the end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += data.decode()
        return bool(data)

    def wait_for(self, text, seconds=20):
        """Read until some text was shown."""
        end = time.monotonic() + seconds
        while text not in self.text:
            assert time.monotonic() < end and self.read(0.1), self.text

    def finish(self, seconds=40):
        """Read to the end; return the exit status."""
        end = time.monotonic() + seconds
        while self.read(0.1):
            assert time.monotonic() < end, self.text
        return self.process.wait(timeout=10)

    def drawn(self):
        """Return the progress lines that were drawn."""
        return re.findall(r"\r\x1b\[K([^\r\n]+)\r(?!\n)", self.text)

    def screen(self):
        """Return the lines that are left, as a terminal shows them."""
        lines, column = [""], 0
        for token in re.findall(r"\x1b\[K|\r|\n|.", self.text):
            if token == "\r":
                column = 0
            elif token == "\n":
                lines.append("")
                column = 0
            elif token == "\x1b[K":
                lines[-1] = lines[-1][:column]
            else:
                lines[-1] = lines[-1][:column] + token + lines[-1][column + 1:]
                column += 1
        return lines


@contextlib.contextmanager
def terminal(*args, **options):
    """Run a command on a terminal; it ends with the block."""
    one = Terminal(args, **options)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        if one.process.stdout:
            one.process.stdout.close()
        os.close(one.master)


@pytest.fixture
def conf(tmp_path):
    """Return a campaign file."""
    path = tmp_path / "tiny.conf"
    path.write_text(CONF)
    return path


PLAIN = [r"tlbbench: 2 slots to run: about .+ each, without a bound; of the cases .+",
         r"tlbbench: slot 1/2 running, seed 1: ok, 5 records, \S+ s",
         r"tlbbench: slot 2/2 running, seed 2: ok, 5 records, \S+ s"]


def assert_lines(lines, patterns):
    """Each line is as its pattern says, and there are no others."""
    assert len(lines) == len(patterns), lines
    for line, pattern in zip(lines, patterns):
        assert re.fullmatch(pattern, line), line


def test_terminal_is_left_clean(conf, tmp_path):
    """Progress is drawn within the width; what stays are the lines that a file would get."""
    with terminal("campaign", "--results", tmp_path / "r", conf, columns=40) as term:
        assert term.finish() == 0
        assert_lines(term.screen(), [*PLAIN, ""])
        assert term.drawn()[0].startswith("slot 1/2 running, 0.0 s, about ")
        assert max(len(line) for line in term.drawn()) == 39


@pytest.mark.parametrize("term", ["dumb", None])
def test_dumb_terminal(term, conf, tmp_path):
    """No control sequence where they are not understood."""
    with terminal("campaign", "--results", tmp_path / "r", conf, term=term) as dumb:
        assert dumb.finish() == 0
        assert "\x1b" not in dumb.text
        assert_lines(dumb.text.replace("\r\n", "\n").splitlines(), PLAIN)


def test_no_terminal(conf, tmp_path):
    """A file gets the estimate and a line per slot."""
    done = run("campaign", "--results", tmp_path / "r", conf)
    assert done.returncode == 0
    assert_lines(done.stderr.splitlines(), PLAIN)


def test_second_run_knows(conf, tmp_path):
    """What ran once is no guess any more, for plan and campaign; a resumed one has less to do."""
    env = {"XDG_CACHE_HOME": tmp_path / "cache"}
    before = run("plan", conf, env=env).stdout
    assert "of the cases and boots 2 a guess, never run here\n" in before
    done = run("campaign", "--results", tmp_path / "r", conf, env=env)
    assert "; of the cases and boots 2 a guess, never run here\n" in done.stderr
    after = run("plan", conf, env=env).stdout
    assert "of the cases and boots 2 as measured here before\n" in after
    directory = (tmp_path / "r/tiny").resolve()
    index = directory / "index.sha256"
    index.write_text("".join(index.read_text().splitlines(True)[:2]))
    done = run("campaign", "--resume", directory, env=env)
    assert done.returncode == 0
    assert done.stderr.startswith("tlbbench: 1 slot to run: about ")
    again = run("campaign", "--resume", directory, env=env)
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize("content, why", [
    (b"\0\xff garbage\n", "durations:1: expected 'tlbbench durations 1'"),
    (b"tlbbench durations 1\nx\n", "durations:2: expected a duration"),
    (None, "durations: Invalid argument")], ids=["binary", "line", "directory"])
def test_damaged_memory(content, why, conf, tmp_path):
    """A file of durations that is damaged costs one line and nothing else."""
    path = tmp_path / "cache/tlbbench/durations"
    path.parent.mkdir(parents=True)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    done = run("plan", conf, env={"XDG_CACHE_HOME": tmp_path / "cache"})
    assert done.returncode == 0 and "a guess" in done.stdout
    assert done.stderr == f"tlbbench: no memory of how long things take: {path.parent}/{why}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_leaves_the_terminal_clean(number, conf, tmp_path):
    """No progress stays behind a signal; what it interrupted can be continued."""
    conf.write_text(CONF.replace("ops = 20\n", "ops = 20000000\n"))
    with terminal("campaign", "--results", tmp_path / "r", conf) as term:
        term.wait_for("slot 1/2 running, ")
        term.process.send_signal(number)
        assert term.finish() == 1
        assert_lines(term.screen(), [PLAIN[0], "tlbbench: interrupted",
                                     "tlbbench: what was measured is kept; .+", ""])


def test_ctrl_c_at_the_keyboard():
    """The key itself reaches the command, and its echo is overwritten."""
    with terminal("run", *LONG) as term:
        term.wait_for(" left: 1/1 munmap")
        os.write(term.master, b"\x03")
        assert term.finish() == 1
        assert term.screen() == ["tlbbench: interrupted", ""]


def test_run_on_a_terminal():
    """Progress and ledger share the terminal: the ledger is as it is in a file."""
    args = ["munmap", "cpus=1", "ops=20", "warmup_ops=0", "repetitions=3"]
    with terminal("run", *args, columns=200, stdout=None) as term:
        assert term.finish() == 0
        lines = term.screen()
        assert any(line.endswith(" left: 1/3 munmap") for line in term.drawn())
    expected = run("run", *args).stdout.splitlines()
    digits = re.compile(r"[\d.]+")
    assert [digits.sub("", line).split() for line in lines[:-1]] == [
        digits.sub("", line).split() for line in expected]


def test_run_json_on_a_terminal():
    """Lines of JSON come whole."""
    args = ["--json", "munmap", "cpus=1", "ops=20", "warmup_ops=0", "repetitions=3"]
    with terminal("run", *args, columns=200, stdout=None) as term:
        assert term.finish() == 0
        records = tlbtest.json_lines("\n".join(term.screen()))
    assert [record["type"] for record in records] == ["boot", *3 * ["repetition"], "audit_end"]


def test_resize(conf, tmp_path):
    """The next line fits the new width."""
    conf.write_text(CONF.replace("ops = 20\n", "ops = 300000\n"))
    with terminal("campaign", "--results", tmp_path / "r", conf, columns=30) as term:
        term.wait_for("slot 1/2 running, 0.0 s, abou\r")
        fcntl.ioctl(term.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 17, 0, 0))
        term.wait_for("slot 1/2 running\r")
        term.process.send_signal(signal.SIGTERM)
        assert term.finish() == 1
