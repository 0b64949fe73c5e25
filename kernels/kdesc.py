# SPDX-License-Identifier: GPL-2.0-only
"""What is described by text files in kernels/: the base, the series, strategies, the fragment.

Everything here only reads the checkout; what is made from it is in kcache, ktree and kimage.
"""

import configparser
import difflib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from kerr import Error, UsageError

HERE = Path(__file__).resolve().parent

# The image that has all strategies, and chooses at boot.
RUNTIME = "runtime"

STRATEGY_KEYS = ("family", "choice", "boot", "hypothesis", "sound", "litmus", "why", "link",
                 "expect")
STRATEGY_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")

_SET = re.compile(r"(CONFIG_\w+)=\S.*")
_UNSET = re.compile(r"# (CONFIG_\w+) is not set")
_CONFIG_COMMENT = re.compile(r"#(?! CONFIG_\w+ is not set$)")


def sha256(*parts):
    """Return the SHA-256 (hex) of `parts`, str or bytes; ("ab",) and ("a", "b") differ."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()


def _read_ini(path, section):
    """Return {key: value} of one section of an INI file; any other form is an Error."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(), str(path))
        return dict(parser[section])
    except FileNotFoundError:
        raise Error(f"{path} is missing") from None
    except KeyError:
        raise Error(f"{path}: no section [{section}]") from None
    except configparser.Error as err:
        raise Error(f"{path}: {str(err).splitlines()[0]}") from None


@dataclass(frozen=True)
class BaseConf:
    """base.conf: the Debian package, its tarball, and the prefix of the version."""

    package: str
    tarball: Path
    version: str


def load_base(kernels=HERE):
    """Return the BaseConf of a kernels/ directory."""
    path = kernels / "base.conf"
    values = _read_ini(path, "base")
    try:
        return BaseConf(values["package"], Path(values["tarball"]), values["version"])
    except KeyError as err:
        raise Error(f"{path}: no key {err}") from None


@dataclass(frozen=True)
class Strategy:
    """strategies/<id>.conf; the attributes are its keys, all strings, plus the id."""

    id: str
    family: str
    choice: str
    boot: str
    hypothesis: str
    sound: str
    litmus: str
    why: str
    link: str
    expect: str

    @property
    def has_own_kernel(self):
        """Tell whether there is a plain kernel of it; else it is in the runtime image only."""
        return bool(self.choice) or not self.family

    @property
    def caught_by(self):
        """Return (test to run, line of its output that fails) of a control.

        An oracle is not a test: unmapping makes it count, and the line of the kernel says so.
        """
        if self.litmus.startswith("oracle_"):
            return "munmap", "kernel"
        return self.litmus, self.litmus


def strategy_ids(kernels=HERE):
    """Return the sorted ids of the strategies that have a file."""
    return sorted(path.stem for path in (kernels / "strategies").glob("*.conf"))


def load_strategy(name, kernels=HERE):
    """Return the Strategy called `name`; UsageError if there is none, Error if it is malformed."""
    known = strategy_ids(kernels)
    if name not in known:
        near = difflib.get_close_matches(name, known) or known[:1]
        raise UsageError(f"unknown strategy {name}; expected one of kernels/strategies, such as"
                         f" {', '.join(near)}")
    path = kernels / "strategies" / f"{name}.conf"
    if not STRATEGY_ID.fullmatch(name):
        raise Error(f"{path}: a strategy is named with a-z, 0-9 and -, 32 characters at most")
    values = _read_ini(path, "strategy")
    wrong = sorted(set(values) ^ set(STRATEGY_KEYS))
    if wrong:
        raise Error(f"{path}: missing or unknown keys: {', '.join(wrong)}")
    return Strategy(name, **values)


def series(kernels=HERE):
    """Return the patches of the series as a list of Paths, in the order they apply in."""
    patches = kernels / "patches"
    try:
        lines = (patches / "series").read_text().splitlines()
    except FileNotFoundError:
        raise Error(f"{patches / 'series'} is missing") from None
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    missing = [name for name in names if not (patches / name).is_file()]
    if missing:
        raise Error(f"{patches / 'series'} names {missing[0]}, which is not there")
    return [patches / name for name in names]


def series_digest(patches):
    """Return the SHA-256 over names and contents of `patches` (Paths), in order."""
    return sha256(*(part for p in patches for part in (p.name, p.read_bytes())))


def fragment(kernels, *names):
    """Return the text of the config fragments called `names` together."""
    return "".join((kernels / f"config/{name}.config").read_text() for name in names)


def parse_fragment(text):
    """Return {symbol: line} of a config fragment; Error on a malformed or repeated line."""
    lines = {}
    for line in map(str.strip, text.splitlines()):
        if not line or _CONFIG_COMMENT.match(line):
            continue
        match = _SET.fullmatch(line) or _UNSET.fullmatch(line)
        if not match:
            raise Error(f"config fragment: cannot read the line: {line}")
        if match[1] in lines:
            raise Error(f"config fragment: {match[1]} is there twice")
        lines[match[1]] = line
    return lines


def verify_config(fragment, config):
    """Return one message per line of `fragment` that the text of a .config does not honour.

    fragment: {symbol: line} from parse_fragment(). A symbol that is to be off may be absent.
    """
    final = {m[1]: m[0] for m in map(_SET.fullmatch, config.splitlines()) if m}
    problems = []
    for symbol, line in fragment.items():
        wanted = None if line.startswith("#") else line
        if final.get(symbol) != wanted:
            problems.append(f"{line}: the .config has {final.get(symbol, f'no {symbol}')}")
    return problems
