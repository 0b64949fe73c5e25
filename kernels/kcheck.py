# SPDX-License-Identifier: GPL-2.0-only
"""Checks of what kernels/ describes. Each returns a list of problems, one line of text each."""

import re
import subprocess

import kdesc
from kerr import Error

_ADDED_SYMBOL = re.compile(r"^\+config (\w+)$", re.M)
_ADDED_NAME = re.compile(r'^\+\t\[TLB_\w+\] = "(.+)",', re.M)
_ADDED_FAMILY = re.compile(r"^\+.*\bFAMILY\((\w+)\)", re.M)
_HEADERS = ("From: ", "Date: ", "Subject: [PATCH] ", "Signed-off-by: ")


def fast(kernels):
    """Return the problems that can be seen without a kernel tree."""
    try:
        patches = kdesc.series(kernels)
    except Error as err:
        return [str(err)]
    text = "".join(patch.read_text() for patch in patches)
    problems = [*check_series(patches, kernels), *check_fragments(kernels)]
    for name in kdesc.strategy_ids(kernels):
        try:
            problems += check_strategy(kdesc.load_strategy(name, kernels), text)
        except Error as err:
            problems.append(str(err))
    return problems


def check_series(patches, kernels):
    """Return what is wrong with the form of the series."""
    problems = []
    listed = [patch.name for patch in patches]
    on_disk = sorted(path.name for path in (kernels / "patches").glob("*.patch"))
    if sorted(listed) != on_disk:
        odd = sorted(set(listed) ^ set(on_disk)) or ["a patch is listed twice"]
        problems.append(f"patches/series: does not match the directory: {', '.join(odd)}")
    if listed != sorted(listed):
        problems.append("patches/series: the numbers of the patches are not in order")
    for patch in patches:
        text = patch.read_text()
        problems += [f"{patch.name}: no line '{head}...'" for head in _HEADERS
                     if not re.search(f"^{re.escape(head)}", text, re.M)]
    return problems


def check_fragments(kernels):
    """Return what is wrong with the form of the config fragments."""
    problems = []
    for names in [("vm",), ("vm", "checked")]:
        try:
            kdesc.parse_fragment(kdesc.fragment(kernels, *names))
        except (Error, OSError) as err:
            problems.append(f"config/{names[-1]}.config: {err}")
    return problems


def added_symbols(patches):
    """Return the Kconfig symbols that patches add."""
    return [symbol for patch in patches for symbol in _ADDED_SYMBOL.findall(patch.read_text())]


def check_strategy(strategy, series):
    """Return what is wrong with a Strategy; series: the text of all patches together."""
    wrong = []
    if strategy.id == kdesc.RUNTIME:
        wrong.append("this is the name of the image that has all strategies")
    if strategy.choice and not strategy.family:
        wrong.append("a choice without a family")
    if not strategy.has_own_kernel and strategy.sound == "yes":
        wrong.append("only an unsound strategy has no choice, and is in the runtime image alone")
    if strategy.choice and strategy.choice not in _ADDED_SYMBOL.findall(series):
        wrong.append(f"no patch adds the choice {strategy.choice}")
    if strategy.family and strategy.family not in _ADDED_FAMILY.findall(series):
        wrong.append(f"no patch adds the file of the family {strategy.family}")
    if strategy.boot != f"tlb_strategy={strategy.expect}":
        wrong.append("boot is not tlb_strategy= and what expect says")
    if strategy.expect not in _ADDED_NAME.findall(series):
        wrong.append(f"no patch makes a kernel name itself '{strategy.expect}' in sysfs")
    if not strategy.hypothesis:
        wrong.append("hypothesis is empty")
    if strategy.sound not in ("yes", "no"):
        wrong.append("sound is neither yes nor no")
    if not (strategy.sound == "no") == bool(strategy.litmus) == bool(strategy.why):
        wrong.append("an unsound strategy names the litmus that fails and says why, a sound one"
                     " has neither")
    if not strategy.link.startswith("https://"):
        wrong.append("link is not the https address of a public thread")
    return [f"strategies/{strategy.id}.conf: {problem}" for problem in wrong]


def checkpatch(patch, tree):
    """Return the findings of the kernel's own checkpatch --strict, run in `tree`."""
    run = subprocess.run(["perl", "scripts/checkpatch.pl", "--strict", "--terse", "--no-summary",
                          patch], cwd=tree, capture_output=True, text=True, check=False)
    lines = (run.stdout + run.stderr).splitlines()
    if run.returncode and not lines:
        lines = [f"{patch.name}: checkpatch failed without a word"]
    return lines
