# SPDX-License-Identifier: GPL-2.0-only
"""Images: what a strategy's kernel is called, how it is built, and where it is kept."""

import configparser
import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass

import kcache
import kdesc
import ktree
from kerr import Error, UsageError, say

# Part of every image id: raise it when the steps below change what they make.
RECIPE = "2"
RELEASE_MAX = 63
TAIL_LINES = 20

TOOLS = {"make": "make", "gcc": "gcc", "ld": "binutils", "flex": "flex", "bison": "bison",
         "bc": "bc", "perl": "perl", "patch": "patch", "tar": "tar", "xz": "xz-utils"}
HEADERS = {"gelf.h": "libelf-dev"}

# Everything that would else differ between two builds of the same content.
FIXED = {"KBUILD_BUILD_TIMESTAMP": "2024-01-01", "KBUILD_BUILD_USER": "tlbbench",
         "KBUILD_BUILD_HOST": "tlbbench", "KBUILD_BUILD_VERSION": "1", "LC_ALL": "C"}
KEPT = ("HOME", "PATH", "TERM", "TMPDIR")

# The release is in autoconf.h, so every new image is a miss in ccache's direct mode and a hit after
# preprocessing. NOCPP2 compiles that output: else a miss costs a second preprocessing. Never use
# depend mode: it does not see that an .incbin changed.
CCACHE = {"CCACHE_NOCPP2": "1", "CCACHE_NOHASHDIR": "1", "CCACHE_MAXSIZE": "2G"}

# ccache turns the paths of sources into relative ones, which __FILE__ must not show either.
_FILE_NAMES = "-fmacro-prefix-map=../linux/="

_OBJECT = re.compile(rb"^ +(?:CC|AS) ", re.M)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the content of one image; `id` names the result.

    name: the strategy, or RUNTIME for the image that has all of them. flavour: where its objects
    are. choice: the Kconfig symbol that says what is built in, without CONFIG_; may be empty.
    """

    name: str
    flavour: str
    choice: str
    base: ktree.Base
    patches: tuple
    fragment: str
    compiler: str

    @property
    def id(self):
        """The image id: the name, and 12 hex digits that change with any ingredient."""
        digest = kdesc.sha256(RECIPE, self.base.digest, kdesc.series_digest(self.patches),
                              self.fragment, self.choice, self.compiler)
        return f"{self.name}-{digest[:12]}"

    def config(self):
        """Return the text of the whole fragment: the common one, the choice and the release."""
        lines = [f"CONFIG_{self.choice}=y"] if self.choice else []
        lines.append(f'CONFIG_LOCALVERSION="-{self.id}"')
        return "\n".join([self.fragment.rstrip("\n"), *lines, ""])


def compiler():
    """Return what `gcc --version` says first."""
    return _first_line("gcc", "--version")


def toolchain():
    """Return one string that changes with the compiler or the linker."""
    return f"{compiler()}; {_first_line('ld', '--version')}"


def _first_line(*command):
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise Error(f"{command[0]} is missing or does not run: on Debian,"
                    f" apt-get install {TOOLS[command[0]]}") from None
    return run.stdout.splitlines()[0]


def make_recipe(strategy, base, kernels=kdesc.HERE):
    """Return the Recipe of the plain image of a Strategy on a Base."""
    if not strategy.has_own_kernel:
        raise UsageError(f"strategy {strategy.id}: it is in the runtime image only; build that"
                         " with: kernels/build --runtime")
    return Recipe(strategy.id, "plain", strategy.choice, base, tuple(kdesc.series(kernels)),
                  kdesc.fragment(kernels, "vm"), toolchain())


def make_runtime_recipe(base, kernels=kdesc.HERE):
    """Return the Recipe of the image with all strategies and all checks on a Base."""
    return Recipe(kdesc.RUNTIME, kdesc.RUNTIME, "TLB_STRATEGY_RUNTIME", base,
                  tuple(kdesc.series(kernels)), kdesc.fragment(kernels, "vm", "checked"),
                  toolchain())


def find(recipe, cache):
    """Return the directory of the image of `recipe`, or None if it is not there or damaged."""
    image = cache / "images" / recipe.id
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string((image / "image.conf").read_text())
        wanted = parser["image"]["vmlinux_sha256"]
        whole = ktree.file_digest(image / "vmlinux") == wanted and (image / "config").is_file()
    except (OSError, KeyError, configparser.Error):
        return None
    return image if whole else None


def check_tools():
    """Raise an Error that names every tool and header that a build needs and this machine lacks."""
    packages = {pkg for tool, pkg in TOOLS.items() if not shutil.which(tool)}
    for header, package in HEADERS.items():
        if "gcc" not in packages and not _has_header(header):
            packages.add(package)
    if packages:
        raise Error("tools that a kernel build needs are missing: on Debian, apt-get install "
                    + " ".join(sorted(packages)))


def _has_header(header):
    """Return whether the compiler finds a header."""
    command = ["gcc", "-E", "-include", header, "-x", "c", os.devnull]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def build(recipe, conf, cache):
    """Build the image of `recipe` and return its directory; the lock must be held."""
    check_tools()
    began = time.monotonic()
    source = ktree.ensure_source(recipe.base, conf, recipe.patches, cache)
    objects = source.parent / recipe.flavour
    objects.mkdir(exist_ok=True)
    log = cache / "log" / f"{recipe.id}.log"
    log.parent.mkdir(exist_ok=True)
    make = Make(source, objects, log, cache)
    say(f"configuring {recipe.id}")
    configure(make, recipe)
    say(f"building {recipe.id}, log in {log}")
    make.vmlinux()
    image = _store(recipe, source, objects, cache)
    say(f"built {recipe.id} in {time.monotonic() - began:.0f} s")
    return image


def configure(make, recipe):
    """Write the .config and check that every line of the fragment is in force."""
    text = recipe.config()
    wanted = kdesc.parse_fragment(text)
    fragment = make.objects / "tlbbench.config"
    fragment.write_text(text)
    make.run(f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig", fresh=True)
    problems = kdesc.verify_config(wanted, (make.objects / ".config").read_text())
    if problems:
        raise Error("the configuration is not what config/ asks for (a dependency is missing, or"
                    " the symbol is unknown):\n  " + "\n  ".join(problems))


def _store(recipe, source, objects, cache):
    """Copy the built kernel into the cache as an image; it appears whole or not at all."""
    release = (objects / "include/config/kernel.release").read_text().strip()
    version = ktree.kernel_version(source)
    if release != f"{version}-{recipe.id}" or len(release) > RELEASE_MAX:
        raise Error(f"the kernel calls itself {release}, not {version}-{recipe.id}"
                    f" with {RELEASE_MAX} characters at most")
    final = cache / "images" / recipe.id
    with kcache.new_dir(final) as new:
        kcache.write_synced(new / "vmlinux", (objects / "vmlinux").read_bytes())
        kcache.write_synced(new / "config", (objects / ".config").read_bytes())
        kcache.write_synced(new / "image.conf",
                            _image_conf(recipe, release, version, new / "vmlinux").encode())
    return final


def _image_conf(recipe, release, version, vmlinux):
    """Return the text of image.conf."""
    parser = configparser.ConfigParser(interpolation=None)
    parser["image"] = {
        "id": recipe.id,
        "strategy": recipe.name,
        "release": release,
        "flavour": recipe.flavour,
        "base": f"{version} {recipe.base.digest}",
        "series": kdesc.series_digest(recipe.patches),
        "compiler": recipe.compiler.split("; ")[0],
        "vmlinux_sha256": ktree.file_digest(vmlinux),
    }
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


class Make:
    """Calls of make in one object directory, always with the same tools and environment."""

    def __init__(self, source, objects, log, cache):
        self.objects = objects
        self.log = log
        self.cache = cache
        compile_with = "gcc"
        self.env = {**{key: os.environ[key] for key in KEPT if key in os.environ}, **FIXED}
        if shutil.which("ccache"):
            compile_with = "ccache gcc"
            self.env.update(CCACHE_DIR=str(cache / "ccache"), **CCACHE, CCACHE_BASEDIR=str(cache))
        self.command = ["make", "-C", str(source), f"O={objects}", f"CC={compile_with}",
                        "ARCH=x86", "LOCALVERSION=", f"KCFLAGS={_FILE_NAMES}",
                        f"-j{os.cpu_count()}"]

    def run(self, *goals, fresh=False, watch=None):
        """Run make; its output goes to the log, of which an Error carries the last lines.

        fresh: begin a new log. watch: called every second with the part of the log that is new.
        """
        with open(self.log, "wb" if fresh else "ab") as log:
            begin = log.tell()
            proc = subprocess.Popen([*self.command, *goals], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=subprocess.STDOUT, env=self.env)
            try:
                while _alive(proc, 1.0):
                    if watch:
                        watch(self._output(begin))
            finally:
                if proc.poll() is None:
                    proc.terminate()
                    proc.wait()
        if watch:
            watch(self._output(begin))
        if proc.returncode:
            self._fail(goals[-1])

    def _output(self, begin):
        """Return what make has printed since the log had `begin` bytes."""
        with open(self.log, "rb") as log:
            log.seek(begin)
            return log.read()

    def _fail(self, goal):
        text = self.log.read_text(errors="replace")
        tail = "\n".join(deque(text.splitlines(), TAIL_LINES))
        if "No space left on device" in tail:
            raise kcache.no_space(self.cache)
        raise Error(f"make {goal} failed; the log is {self.log}, its last lines:\n{tail}")

    def vmlinux(self):
        """Make vmlinux, with progress on stderr."""
        kind = "next" if (self.objects / "vmlinux").exists() else "first"
        key = f"{self.objects.name} {kind}"
        store = self.cache / "objects.json"
        progress = Progress(kcache.load_json(store).get(key, Progress.EXPECTED[kind]))
        self.run("vmlinux", watch=progress.update)
        progress.close()
        kcache.store_json(store, {**kcache.load_json(store), key: progress.done})


def _alive(proc, seconds):
    """Wait up to `seconds` for a process; return whether it still runs."""
    try:
        proc.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


class Progress:
    """A line of objects compiled so far: rewritten on a terminal, else now and then a new one."""

    EXPECTED = {"first": 1070, "next": 10}

    def __init__(self, expected, stream=sys.stderr, clock=time.monotonic):
        self.expected = expected
        self.stream = stream
        self.clock = clock
        self.began = self.last = clock()
        self.done = 0

    def update(self, output):
        """Count the objects in `output` (bytes, all that make printed) and show them if due."""
        self.done = len(_OBJECT.findall(output))
        now = self.clock()
        if now - self.last < (2 if self.stream.isatty() else 10):
            return
        self.last = now
        line = (f"kernels: {self.done}/{max(self.done, self.expected)} objects,"
                f" {now - self.began:.0f} s")
        print(f"\r{line}" if self.stream.isatty() else line, file=self.stream,
              end="" if self.stream.isatty() else "\n", flush=True)

    def close(self):
        """End the rewritten line."""
        if self.stream.isatty() and self.last != self.began:
            print(file=self.stream, flush=True)
