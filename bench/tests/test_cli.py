# SPDX-License-Identifier: GPL-2.0-only
"""What the command prints, what it refuses, and `tlbbench run`. Needs no kernel and no root."""
import difflib
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path

import pytest

import tlbtest
from tlbtest import ROOT, run

GOLDEN = Path(__file__).resolve().parent / "golden"
WORKLOADS = sorted(path.stem for path in (ROOT / "workloads").glob("*.c"))
LITMUS = sorted(path.stem for path in (ROOT / "workloads/litmus").glob("*.c"))
NAMES = ", ".join(WORKLOADS)
COMMANDS = ["run", "ab", "campaign", "report", "plan", "list", "describe", "env", "litmus"]

few_cpus = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs 2 CPUs")

# --- golden -------------------------------------------------------------------

# Some of each kind: a workload or test more is a file more, and nothing here.
GOLDEN_COMMANDS = {
    "help": ["help"],
    "no-command": [],
    "version": ["version"],
    "plan-demo": ["plan", "configs/demo.conf"],
    **{f"describe-{name}": ["describe", name]
       for name in ("luf_reclaim", "mprotect_fault", "mshare_db", "munmap", "null")},
    **{f"describe-litmus-{name}": ["describe", f"litmus/{name}"] for name in ("cow", "wp_copy")},
}
ALL_COMMANDS = [
    *GOLDEN_COMMANDS.values(),
    ["list"],
    *(["describe", name] for name in WORKLOADS),
    *(["describe", f"litmus/{name}"] for name in LITMUS),
]


def transcript(args, **options):
    """Return the command, all that it printed, and its exit status as one text."""
    done = run(*args, **options)
    return (f"$ {' '.join(['tlbbench', *args])}\n--- stdout\n{done.stdout}"
            f"--- stderr\n{done.stderr}--- exit {done.returncode}\n")


@pytest.mark.parametrize("name", GOLDEN_COMMANDS)
def test_golden(name, request):
    """Output and exit status are those in golden/, byte for byte."""
    path, text = GOLDEN / f"{name}.txt", transcript(GOLDEN_COMMANDS[name])
    if request.config.getoption("--update-golden", default=False):
        path.write_text(text)
    expected = path.read_text() if path.exists() else ""
    diff = difflib.unified_diff(expected.splitlines(), text.splitlines(), "golden", "now", "", "")
    assert text == expected, "run pytest bench/tests --update-golden:\n" + "\n".join(diff)


@pytest.mark.parametrize("args", ALL_COMMANDS, ids="-".join)
def test_output_depends_on_no_machine(args, tmp_path):
    """One CPU, another locale, time zone, home: the same output, and no blanks at line ends."""
    cpu = min(os.sched_getaffinity(0))
    elsewhere = {"LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Tokyo", "COLUMNS": 30,
                 "HOME": tmp_path / "home", "XDG_CACHE_HOME": None, "TLBBENCH_HOME": None}
    text = transcript(args)
    assert text == transcript(args, env=elsewhere,
                              preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    assert text.isascii() and not re.search(r"[ \t\r]$", text, re.MULTILINE)


def test_golden_has_no_leftovers():
    """Every file in golden/ belongs to a command."""
    assert {path.stem for path in GOLDEN.iterdir()} == set(GOLDEN_COMMANDS)


def test_list_names_every_workload_and_test():
    """In order, each with what it measures or catches."""
    lines = [line.split(maxsplit=1) for line in run("list").stdout.splitlines()]
    assert [name for name, _ in lines] == WORKLOADS + [f"litmus/{name}" for name in LITMUS]
    assert {what.split()[0] for _, what in lines} == {"Measures", "Catches"}


def test_help_names_every_command():
    """Help, --help and -h agree and list all commands; version and --version agree."""
    text = run("help").stdout
    assert run("--help").stdout == run("-h").stdout == text
    assert re.findall(r"^  (\w+)", text, re.MULTILINE) == COMMANDS
    assert run("--version").stdout == run("version").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_one_command(command):
    """`help COMMAND` is what the option prints behind the command."""
    done = run("help", command)
    assert done.returncode == 0 and done.stdout.startswith(f"usage: tlbbench {command}")
    assert done.stdout == run(command, "--help").stdout == run("--help", command).stdout


def env_facts():
    """Return the facts of `tlbbench env --json` by name, and the whole record."""
    done = run("env", "--json")
    assert done.returncode == 0 and done.stderr == ""
    record, = tlbtest.json_lines(done.stdout)
    return {fact["name"]: fact for fact in record["facts"]}, record


def test_env_says_all_that_it_knows():
    """Text and JSON have the same facts; each has a value, or says why there is none."""
    facts, record = env_facts()
    done = run("env")
    assert done.returncode == 0 and done.stderr == ""
    listed = done.stdout.split("wrong for a quiet measurement")[0]
    assert re.search(rf"^release +{re.escape(os.uname().release)}$", listed, re.MULTILINE)
    assert re.findall(r"^  (\w+) ", listed, re.MULTILINE) == list(facts)
    assert all(len(line) <= 80 for line in listed.split("\n\nKVM")[0].splitlines())
    for fact in facts.values():
        assert (fact["value"] is None) == bool(fact["reason"]), fact
        assert f"  {fact['name']} " in listed
    assert facts["nr_cpus"]["value"] == str(os.sysconf("SC_NPROCESSORS_ONLN"))
    assert record["release"] == os.uname().release


def test_env_hashes_what_is_stable():
    """The hash is of canonical JSON, which anybody can make again."""
    facts, record = env_facts()
    stable = {name: facts[name]["value"] for name in sorted(facts)
              if facts[name]["kind"] != "state"}
    text = json.dumps(stable, separators=(",", ":"), ensure_ascii=False)
    assert record["audit_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert env_facts()[1]["audit_sha256"] == record["audit_sha256"]


def test_env_says_what_is_wrong():
    """Refusals first, each with advice; only strict makes it a failure."""
    done = run("env", "--profile", "strict")
    lines = done.stdout.split("wrong for a quiet measurement\n")[1].splitlines()
    words = [line.split()[0] for line in lines if not line.startswith("   ")]
    assert words == sorted(words) and set(words) <= {"refuse", "warn", "nothing"}
    advice = [line for line in lines if line.startswith("          Do: ")]
    assert len(advice) == len(words) - words.count("nothing")
    assert done.returncode == (1 if "refuse" in words else 0)
    assert run("env", "--profile", "observe").returncode == 0


@pytest.mark.parametrize("columns", [None, 60, 200, 5, "x"])
def test_env_is_wrapped(columns):
    """Lines are as wide as COLUMNS says, and only where that is too narrow wider."""
    text = run("env", env={"COLUMNS": columns}).stdout
    listed = text.partition("\n\nflush\n")[2].partition("\n\n")[0]
    wrong = text.partition("wrong for a quiet measurement\n")[2]
    width = {None: 80, 5: 47, "x": 80}.get(columns, columns)
    longest = max(len(line) for line in (listed + "\n" + wrong).splitlines())
    assert longest <= width
    assert columns == 5 or longest > width / 2


def test_env_says_what_quiet_would_set():
    """The settings that are not as quiet wants them, and none of them is changed."""
    done = run("env", "--profile", "quiet")
    would = re.findall(r"^  (/\S+): (.+) -> (.+)$", done.stdout, re.MULTILINE)
    assert done.returncode == 0 and "profile quiet would set\n" in done.stdout
    path = "/proc/sys/kernel/perf_event_max_sample_rate"
    rate = Path(path).read_text().strip()
    assert ((path, rate, "1") in would) == (rate != "1")
    assert "sched_rt_runtime_us" not in str(would)
    again = run("env", "--profile", "quiet").stdout
    assert re.findall(r"^  (/\S+): (.+) -> (.+)$", again, re.MULTILINE) == would


def test_env_says_what_quiet_would_leave():
    """What is wrong and not set by quiet; what it sets is not among it."""
    text = run("env", "--profile", "quiet").stdout
    wrong = text.partition("wrong for a quiet measurement\n")[2].partition("\n\n")[0]
    findings = re.findall(r"^  (?:refuse|warn) +(\w+) = ((?:.+\n?)(?: {10}.+\n?)*)", wrong,
                          re.MULTILINE)
    lasting = [name for name, rest in findings
               if "(--profile quiet does it)" not in " ".join(rest.split())]
    left = text.partition("profile quiet would leave wrong\n")[2]
    assert re.findall(r"^  (\w+) = .", left, re.MULTILINE) == (
        [fact["name"] for fact in env_facts()[1]["facts"] if fact["name"] in lasting])
    assert lasting or left == "  nothing\n"


# --- bad input ----------------------------------------------------------------


def assert_refused(done, *expected):
    """Exit 2, nothing on stdout, one line on stderr that holds all of `expected`."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("tlbbench: ") and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.endswith("\n") and done.stderr.rstrip("\n").isprintable()
    for text in expected:
        assert text in done.stderr


BAD_ARGUMENTS = [
    (["nope"], "unknown command 'nope'; 'tlbbench help' lists them"),
    (["help", "nope"], "unknown command 'nope'; 'tlbbench help' lists them"),
    (["list", "x"], "usage: tlbbench list\n"),
    (["env", "x"], "usage: tlbbench env [--json] [--profile PROFILE]\n"),
    (["env", "--nope"], "usage: tlbbench env"),
    (["env", "--profile", "loud"], "env: --profile: 'loud': expected observe, quiet or strict"),
    (["run", "--profile", "loud", "munmap"], "run: --profile: 'loud': expected observe, quiet or"),
    (["campaign", "--profile", "loud", "x"], "campaign: --profile: 'loud': expected observe"),
    (["campaign", "--profile"], "campaign: --profile: expected its value"),
    (["plan"], "usage: tlbbench plan CONF"),
    (["plan", "a", "b"], "usage: tlbbench plan CONF"),
    (["plan", "/nonexistent/x.conf"], "/nonexistent/x.conf: No such file"),
    (["plan", "/"], "/: expected a file"),
    (["run", "munmap", "munmap"], "run: 'munmap': expected 'munmap' once"),
    (["run", "munmap", "--nope"], "run: --nope: expected --json"),
    (["plan", "/dev/null"], "/dev/null: expected a file"),
    (["describe"], "usage: tlbbench describe WORKLOAD"),
    (["describe", "nope"], f"unknown workload 'nope', expected one of: {NAMES}"),
    (["describe", "munmap", "x"], "usage: tlbbench describe WORKLOAD"),
    (["run"], "expected a workload; 'tlbbench list' lists them"),
    (["run", "ops=5"], "expected a workload"),
    (["run", "nope"], f"unknown workload 'nope', expected one of: {NAMES}"),
    (["run", "munmap", "--nope"], "--nope"),
    (["run", "munmap", "munmap"], "munmap"),
    (["run", "munmap", "pagez=1"],
     "run: pagez=1: unknown key 'pagez' for workload munmap, did you mean 'pages'?"),
    (["run", "munmap", "zzzzzz=1"],
     "unknown key 'zzzzzz' for workload munmap; 'tlbbench describe munmap' lists them"),
    (["run", "munmap", "pages=0"], "run: pages=0: expected 1 to 4096"),
    (["run", "munmap", "pages=1,0"], "run: pages=1,0: pages = 0: expected 1 to 4096"),
    (["run", "munmap", "ops=abc"], "run: ops=abc: expected a number from 1 to"),
    (["run", "munmap", "pages="], "run: pages=: 'pages' has no value"),
    (["run", "munmap", "=1"], "'=1'"),
    (["run", "munmap", "ops=0"], "run: ops=0: expected a number from 1 to"),
    (["run", "munmap", "ops=99999999999999999999"], "expected a number from 1 to"),
    (["run", "munmap", "ops=1", "ops=2"], "run: 'ops=2': expected 'ops' once"),
    (["run", "munmap", "cpus=100000"], "run: cpus=100000: expected a number from 1 to"),
    (["run", "munmap", "threads.responder=4000"], "needs 4001 CPUs, expected at most"),
    (["run", "munmap", "threads.nope=1"], "has no role 'nope'"),
    (["run", "munmap", "sched=rt"], "run: sched=rt: expected auto, fifo or other"),
    (["run", "munmap", "placement=near"], "'near': expected same-core, smt"),
    (["run", "munmap", "placement=list:3-1"], "list:3-1: expected list:CPU"),
    (["run", "munmap", "cpus=1", "placement=list:99999"], "CPU 99999 is not usable"),
    (["run", "munmap", "workload=lazy_idle"], "workload"),
    (["run", "munmap", "#ops=5"], "#ops=5"),
    (["run", "munmap", "[case x]=5"], "[case x]=5"),
    (["run", "munmap", "ops=5\n[case y]\nworkload=munmap"], "ops=5"),
    (["run", "munmap", "pages=" + 99 * "1" + "\n[case y]\nworkload=munmap"], "expected a workload"),
    (["campaign"], "usage: tlbbench campaign [--aa] [--kernel [NAME=]SPEC]"),
    (["campaign", "--results"], "--results"),
    (["campaign", "--results", "x"], "usage: tlbbench campaign"),
    (["campaign", "--nope", "x"], "--nope"),
    (["campaign", "--resume"], "--resume"),
    (["campaign", "--results", "", "configs/demo.conf"], "--results: expected a directory"),
    (["campaign", "--resume", ""], "--resume: expected a directory"),
    (["campaign", "--resume", "x", "--results", "y"], "usage: tlbbench campaign"),
    (["campaign", "--resume", "x", "configs/demo.conf"], "usage: tlbbench campaign"),
    (["campaign", "--resume", "/nonexistent"], "/nonexistent/campaign.conf: No such file"),
    (["campaign", "/nonexistent/x.conf"], "/nonexistent/x.conf: No such file"),
    (["campaign", "configs/demo.conf", "--kernel"], "--kernel: expected its value"),
    (["campaign", "configs/demo.conf", "--kernel", "x="], "expected NAME=SPEC or SPEC"),
    (["campaign", "configs/demo.conf", "--kernel", "x=nope"], "unknown strategy nope; known are:"),
    (["campaign", "configs/demo.conf", "--kernel", "x=nope"], "or runtime:ID\n"),
    (["campaign", "configs/demo.conf", "--kernel", "runtime:forget-mprotec"],
     "such as forget-mprotect, "),
    (["campaign", "configs/demo.conf", "--kernel", "no/such"], "no/such: no such file; expected"),
    (["campaign", "configs/demo.conf", "--kernel", "rpm:x"], "unknown kind 'rpm:'; expected"),
    (["campaign", "configs/demo.conf", "--kernel", "./Makefile"], "not a kernel; expected a bz"),
    (["campaign", "configs/demo.conf", "--append", "nopcid"], "expected NAME=\"PARAMETER ...\""),
    (["campaign", "configs/demo.conf", "--append", "x=nopcid"], "--append x: no kernel is called"),
    (["campaign", "configs/quick.conf", "--kernel", "baseline"], "--kernel baseline: backend here"),
    (["campaign", "--resume", "x", "--kernel", "baseline"], "expected no --kernel or --append"),
    (["litmus", "--kernel", "x=nope"], "--kernel x=nope: kernels/build: unknown strategy"),
    (["litmus", "--kernel", "./Makefile"], "Makefile: not a kernel; expected a bzImage"),
    (["litmus", "--kernel", "baseline", "--kernel", "x=baseline"], "expected one --kernel"),
    (["litmus", "--append", "nopcid"], "--append and --vm need --kernel"),
    (["litmus", "--kernel", "x=nope", "--append", ""], "--append '': expected PARAMETERS"),
    (["litmus", "--kernel", "x=nope", "--append", "x= "], "--append 'x= ': expected PARAMETERS"),
    (["ab"], "ab: expected two kernels"),
    (["ab", "baseline"], "ab: expected two kernels"),
    (["ab", "baseline", "baseline"], "another kernel is called baseline; expected NAME="),
    (["ab", "a=baseline", "b=baseline", "nope"], "nope: expected a campaign file, or a workload"),
    (["ab", "a=baseline", "b=baseline", "munmap", "ops"], "ops: expected KEY=VALUE"),
    (["ab", "a=baseline", "b=baseline", "munmap", "opss=1"], "did you mean 'ops'?"),
    (["ab", "a=baseline", "b=baseline", "--results", "", "munmap"], "expected a directory"),
    (["ab", "a=baseline", "b=baseline", "--worse"], "unknown option --worse, expected --append"),
]


@pytest.mark.parametrize("args, expected", BAD_ARGUMENTS,
                         ids=[" ".join(args).split("\n")[0] for args, _ in BAD_ARGUMENTS])
def test_bad_argument(args, expected):
    """A wrong argument is refused and named."""
    assert_refused(run(*args), expected)


HERE = "[campaign]\nname = x\n"
CASE = "[case c]\nworkload = munmap\ncpus = 1\n"
VM = "[campaign]\nname = x\nbackend = vm\n[vm]\ncpus = 4\n"
KERNEL = "[kernel k]\nstrategy = baseline\n"

# The line that starts with @ is the one that the message must name; no @: the whole file.
BAD_CONFS = {
    "empty": ("", "expected a section [campaign] with a name"),
    "no name": ("[campaign]\n" + CASE, "expected a section [campaign] with a name"),
    "no case": (HERE, "expected a [case NAME]"),
    "unknown section": (HERE + CASE + "@[kernels]\n", "unknown section [kernels], expected"),
    "unknown section before the rest": ("@[x]\n" + HERE + CASE, "unknown section [x]"),
    "section twice": (HERE + CASE + "@[case c]\nworkload = munmap\n", "on line 3 already"),
    "section open": (HERE + "@[case c\n", "expected ']' at the end of '[case c'"),
    "section empty": (HERE + "@[]\n", "expected [KIND] or [KIND NAME]"),
    "section named": (HERE + "@[vm x]\n" + CASE, "[vm] takes no name"),
    "case unnamed": (HERE + "@[case]\nworkload = munmap\n", "expected letters, digits"),
    "case name": (HERE + "@[case ../x]\nworkload = munmap\n", "expected letters, digits"),
    "key twice": (HERE + CASE + "@cpus = 1\n", "key 'cpus' stands on line 5 already"),
    "key before section": ("@name = x\n" + HERE + CASE, "expected a [section] before"),
    "no equals": (HERE + "@backend here\n" + CASE, "expected 'key = value', got 'backend here'"),
    "no key": (HERE + "@= 1\n" + CASE, "expected 'key = value'"),
    "no value": (HERE + "@seed =\n" + CASE, "'seed' has no value"),
    "unknown key": (HERE + CASE + "@pagez = 1\n", "unknown key 'pagez' for workload munmap"),
    "unknown campaign key": (HERE + "@boot = 1\n" + CASE, "unknown key 'boot' in [campaign]"),
    "unknown vm key": (VM + "@cpu = 1\n" + KERNEL + CASE, "unknown key 'cpu' in [vm]"),
    "unknown kernel key": (VM + KERNEL + "@args = x\n" + CASE, "unknown key 'args' in [kernel k]"),
    "another workload's key": (HERE + CASE + "@wake_every = 1\n", "unknown key 'wake_every'"),
    "unknown default": (HERE + "[defaults]\n@nope = 1\n" + CASE, "unknown key 'nope'"),
    "unknown workload": (HERE + "[case c]\n@workload = mmap\n",
                         f"unknown workload 'mmap', expected one of: {NAMES}"),
    "no workload": (HERE + "@[case c]\ncpus = 1\n", "has no key 'workload'"),
    "campaign name": ("[campaign]\n@name = a/b\n" + CASE, "name 'a/b': expected letters, digits"),
    "long name": ("[campaign]\n@name = " + "x" * 300 + "\n" + CASE, "expected"),
    "backend": (HERE + "@backend = metal\n" + CASE, "backend = metal: expected here or vm"),
    "no boots": (HERE + "@boots = 0\n" + CASE, "boots = 0: expected a number from 1 to 1000"),
    "many boots": (HERE + "@boots = 1001\n" + CASE, "expected a number from 1 to 1000"),
    "seed": (HERE + "@seed = 4294967296\n" + CASE, "expected a number from 1 to 4294967295"),
    "seed with unit": (HERE + "@seed = 1k\n" + CASE, "seed = 1k: expected a number"),
    "parameter 0": (HERE + CASE + "@pages = 0\n", "pages = 0: expected 1 to 4096"),
    "parameter above": (HERE + CASE + "@pages = 4097\n", "pages = 4097: expected 1 to 4096"),
    "parameter negative": (HERE + CASE + "@pages = -1\n", "pages = -1: expected 1 to 4096"),
    "parameter broken": (HERE + CASE + "@pages = 1.5\n", "pages = 1.5: expected 1 to 4096"),
    "second of a sweep": (HERE + CASE + "@pages = 1, 0\n", "pages = 0: expected 1 to 4096"),
    "sweep with a hole": (HERE + CASE + "@pages = 1,\n", "pages = : expected 1 to 4096"),
    "ops": (HERE + CASE + "@ops = 0\n", "ops = 0: expected a number from 1"),
    "repetitions": (HERE + CASE + "@repetitions = 0\n", "expected a number from 1 to 1000"),
    "timeout": (HERE + CASE + "@timeout_seconds = 0\n", "expected a number from 1 to 3600"),
    "instances": (HERE + CASE + "@instances = 0\n", "expected a number from 1 to 4096"),
    "sched": (HERE + CASE + "@sched = rt\n", "sched = rt: expected auto, fifo or other"),
    "role": (HERE + CASE + "@threads.x = 1\n", "workload munmap has no role 'x'"),
    "initiators": (HERE + CASE + "@threads.initiator = 2\n", "expected a number from 1 to 1"),
    "cpus": (HERE + "[case c]\nworkload = munmap\n@cpus = 100000\n", "expected a number from 1 to"),
    "threads": (HERE + "@[case c]\nworkload = munmap\nthreads.responder = 4000\n",
                "needs 4001 CPUs, expected at most"),
    "threads beyond cpus": (VM + KERNEL + "@[case c]\nworkload = munmap\ncpus = 2\n"
                            "threads.responder = 2\n", "needs 3 CPUs, expected at most 2"),
    "instances beyond cpus": (VM + KERNEL + "@[case c]\nworkload = munmap\ncpus = 2\n"
                              "instances = 3\n", "needs 3 CPUs, expected at most 2"),
    "cpus in vm": (VM + KERNEL + "[case c]\nworkload = munmap\n@cpus = 5\n",
                   "cpus = 5: expected a number from 1 to 4"),
    "placement": (HERE + CASE + "@placement = near\n", "spread or list:CPUS"),
    "placement not a list": (HERE + CASE + "@placement = list:x\n", "expected list:CPU"),
    "placement not here": (HERE + CASE + "@placement = list:99999\n", "CPU 99999 is not usable"),
    "placement not in vm": (VM + KERNEL + CASE + "@placement = list:4\n", "CPU 4 is not usable"),
    "placement too short": (VM + KERNEL + "[case c]\nworkload = munmap\ncpus = 3\n"
                            "@placement = list:0,1\n", "3 threads need a CPU each"),
    "workload swept": (HERE + "[case c]\n@workload = munmap, lazy_idle\n",
                       "expected one workload"),
    "placement twice": (VM + KERNEL + "[case c]\nworkload = munmap\ncpus = 2\n"
                        "@placement = list:1,1\n", "CPU 1"),
    "vm cpus": (VM.replace("cpus = 4", "@cpus = 65") + KERNEL + CASE, "a number from 1 to 64"),
    "vm memory": (VM + "@memory = 1M\n" + KERNEL + CASE, "expected a size like 1G, 128M or more"),
    "vm memory unit": (VM + "@memory = 1P\n" + KERNEL + CASE, "expected a size like 1G"),
    "vm accel": (VM + "@accel = tgc\n" + KERNEL + CASE, "expected auto, kvm, exact or tcg"),
    "vm timeout": (VM + "@timeout_seconds = 0\n" + KERNEL + CASE, "a number from 1 to 86400"),
    "vm without kernel": (VM + CASE, "backend vm needs a [kernel NAME]"),
    "kernel without vm": (HERE + "@" + KERNEL + CASE, "[kernel k]: backend here runs on"),
    "kernel of nothing": (VM + "@[kernel k]\n" + CASE, "expected either strategy or image"),
    "kernel of both": (VM + "@" + KERNEL + "image = /x\n" + CASE,
                       "expected either strategy or image"),
    "kernel name": (VM + "@[kernel a/b]\nstrategy = baseline\n" + CASE, "expected letters, digits"),
}


def write_conf(path, text):
    """Write a campaign file without its @ and return what a message about it begins with."""
    marked = [i for i, line in enumerate(text.splitlines(), 1) if line.startswith("@")]
    path.write_text(text.replace("@", ""))
    return f"{path}:{marked[0]}: " if marked else f"{path}: "


@pytest.mark.parametrize("name", BAD_CONFS)
def test_bad_conf(name, tmp_path):
    """Plan and campaign refuse the file, name the line, and create nothing."""
    text, expected = BAD_CONFS[name]
    conf, results = tmp_path / "x.conf", tmp_path / "results"
    where = write_conf(conf, text)
    assert_refused(run("plan", conf), f"tlbbench: {where}", expected)
    assert_refused(run("campaign", "--results", results, conf), f"tlbbench: {where}", expected)
    assert not results.exists()


def test_good_conf(tmp_path):
    """What the bad files are made of is good."""
    for text in HERE + CASE, VM + KERNEL + CASE:
        (tmp_path / "x.conf").write_text(text)
        assert run("plan", tmp_path / "x.conf").returncode == 0


@pytest.mark.parametrize("content, line", [(b"[campaign]\nname = x\0\n", 2),
                                           (b"\x7fELF\0\0", 1)])
def test_conf_that_is_no_text(content, line, tmp_path):
    """A binary file is refused as such."""
    (tmp_path / "x.conf").write_bytes(content)
    assert_refused(run("plan", tmp_path / "x.conf"), f"{tmp_path}/x.conf:{line}: expected text")


def test_conf_with_carriage_returns(tmp_path):
    """A file with DOS line ends means the same as without."""
    conf = tmp_path / "x.conf"
    conf.write_bytes((HERE + CASE).encode().replace(b"\n", b"\r\n"))
    dos = run("plan", conf)
    conf.write_text(HERE + CASE)
    assert dos.returncode == 0 and dos.stdout == run("plan", conf).stdout


def bad_images(tmp_path):
    """Yield settings of a kernel that has no image, and what the message must say."""
    image = tmp_path / "image"
    yield "strategy = nope", "unknown strategy nope; known are: baseline"
    yield f"image = {image}", f"no image: {image}/vmlinux: No such file or directory"
    image.mkdir()
    yield f"image = {image}", f"no image: {image}/vmlinux: No such file or directory"
    (image / "vmlinux").touch()
    yield f"image = {image}", f"{image}/image.conf: No such file or directory"
    (image / "image.conf").write_text("[image]\nid = x\n")
    yield f"image = {image}", f"{image}/image.conf: expected [image] with id and release"
    (image / "image.conf").write_text("[image]\nid = x\nid = y\n")
    yield f"image = {image}", f"{image}/image.conf:3: key 'id' stands on line 2 already"


def test_kernel_without_image(tmp_path):
    """A strategy or an image that is not there is refused; nothing is built or created."""
    conf, results = tmp_path / "x.conf", tmp_path / "results"
    for setting, expected in bad_images(tmp_path):
        where = write_conf(conf, f"{VM}accel = exact\n@[kernel k]\n{setting}\n{CASE}")
        assert_refused(run("campaign", "--results", results, conf), where, "[kernel k]", expected)
        assert not results.exists()


def test_strategy_that_was_never_built(tmp_path):
    """An empty cache: the message says how to build the kernel."""
    conf, cache = tmp_path / "x.conf", tmp_path / "cache"
    where = write_conf(conf, f"{VM}accel = exact\n@{KERNEL}{CASE}")
    done = run("campaign", "--results", tmp_path / "r", conf, env={"XDG_CACHE_HOME": cache})
    assert_refused(done, where, "build it with: kernels/build baseline")
    assert not (tmp_path / "r").exists() and not (cache / "tlbbench/images").exists()


# --- run ----------------------------------------------------------------------

SHORT = ["munmap", "lazy_idle", "cpus=2", "ops=50", "warmup_ops=5"]


def test_env_without_root(nobody):
    """Works, says what needs root, and quiet does not touch a thing."""
    prefix, binary = nobody
    done = run("env", "--profile", "quiet", prefix=prefix, binary=binary)
    assert done.returncode == 0 and done.stderr == ""
    assert "needs root" in done.stdout


def ledger(text):
    """Return case to name to (value, rest of the line) from what run prints."""
    cases = {}
    for block in text.split("\n\n")[1:]:
        name = block.partition(":")[0]
        cases[name] = {found[1]: (found[2], found[3]) for found in re.finditer(
            r"^  ([a-z]\S*) +(-|[\d.]+)  (.+)$", block, re.MULTILINE)}
    return cases


def assert_text_and_json_agree(text, lines):
    """Every metric of the records is printed; an absent one as - with its reason, never as 0."""
    printed = ledger(text)
    for record in lines[1:-1]:
        rows = printed[record["case"]]
        assert set(rows) == set(tlbtest.metrics(record))
        for metric in record["metrics"]:
            value, rest = rows[metric["name"]]
            absent = metric["status"] == "absent"
            assert (value == "-") == absent
            assert rest == (metric["reason"] if absent else metric["unit"])


@few_cpus
def test_run_prints_a_ledger():
    """A short run of both workloads is ok and prints all headline metrics of each."""
    done = run("run", *SHORT)
    assert done.returncode == 0, done
    assert done.stderr == "" and done.stdout.startswith(f"kernel {os.uname().release}\n")
    printed = ledger(done.stdout)
    assert set(printed) == {"munmap", "lazy_idle"}
    for rows in printed.values():
        assert {"ipis_received_per_op", "ipis_sent_per_op", "flushes_per_op", "op_p50_ns",
                "op_p99_ns", "op_p999_ns", "ipis_received"} <= set(rows)
    assert done.stdout.count("50 ops timed, then 50 counted") == 2


@few_cpus
def test_run_json_is_valid():
    """JSON lines fit the schemas and record parameters, threads and their CPUs."""
    done = run("run", "--json", *SHORT)
    assert done.returncode == 0 and done.stderr == ""
    boot, *repetitions, end = tlbtest.json_lines(done.stdout)
    for record in (boot, *repetitions, end):
        tlbtest.assert_valid(record)
    assert (boot["profile"], boot["changes"]) == ("observe", [])
    assert end["type"] == "audit_end" and end["audit_sha256"] == boot["audit_sha256"]
    assert boot["release"] == os.uname().release
    assert [record["workload"] for record in repetitions] == ["munmap", "lazy_idle"]
    for record in repetitions:
        assert record["state"] == "ok" and not record["reasons"]
        assert_counted(record, nr_ops=50, nr_cpus=2)


def assert_counted(record, nr_ops, nr_cpus):
    """Check what a record says of its size: ops, histograms, threads and their CPUs."""
    assert record["harness"]["cpus"] == nr_cpus and record["harness"]["ops"] == nr_ops
    assert record["harness"]["warmup_ops"] == 5
    assert [thread["role"] for thread in record["threads"]][0] == "initiator"
    assert len({thread["cpu"] for thread in record["threads"]}) == nr_cpus
    assert {thread["cpu"] for thread in record["threads"]} <= os.sched_getaffinity(0)
    for one in record["passes"].values():
        assert one["ops"] == nr_ops and one["histogram"]["count"] + one["dropped"] == nr_ops
        assert sum(count for _, count in one["histogram"]["buckets"]) == nr_ops - one["dropped"]


@few_cpus
def test_run_without_root(nobody):
    """Nobody's run works, says what is missing, and shows nothing missing as 0."""
    prefix, binary = nobody
    done = run("run", *SHORT, prefix=prefix, binary=binary)
    lines = run("run", "--json", *SHORT, prefix=prefix, binary=binary)
    assert done.returncode == lines.returncode == 0, (done, lines)
    parsed = tlbtest.json_lines(lines.stdout)
    for record in parsed:
        tlbtest.assert_valid(record)
    assert_text_and_json_agree(done.stdout, parsed)
    absent = [metric for record in parsed[1:-1] for metric in record["metrics"]
              if metric["status"] == "absent"]
    assert os.geteuid() or absent, "nobody can read what needs root"
    for record in parsed[1:-1]:
        assert any("SCHED_FIFO" in text for text in record["caveats"])


@few_cpus
def test_run_with_a_trace(nobody):
    """Without root the trace is absent with a reason; with it, each event is accounted for."""
    args = ["run", "--json", "munmap", "cpus=2", "ops=50", "trace=yes"]
    for options in ({}, dict(zip(("prefix", "binary"), nobody))):
        done = run(*args, **options)
        assert done.returncode == 0
        record = tlbtest.json_lines(done.stdout)[1]
        tlbtest.assert_valid(record)
        found = record["shootdown"]
        p50 = tlbtest.metrics(record)["shootdown_p50_ns"]
        if found["status"] == "absent":
            assert "traced" not in record["passes"] and p50 is None
            continue
        assert not options and p50 > 0
        assert found["ops_asked"] == found["ops_traced"] == 50 == record["passes"]["traced"]["ops"]
        assert found["lost"] == 0 and found["latency"]["count"] == found["complete"]
        assert found["responders"]["count"] == found["shootdowns"] == (
            found["complete"] + found["incomplete"] + found["without_responder"])


def test_run_of_one_cpu():
    """Without responders an op interrupts nobody: 0 as a value, or absent with a reason."""
    done = run("run", "--json", "munmap", "cpus=1", "ops=20", "warmup_ops=0")
    assert done.returncode == 0
    record = tlbtest.json_lines(done.stdout)[1]
    tlbtest.assert_valid(record)
    assert [thread["role"] for thread in record["threads"]] == ["initiator"]
    assert tlbtest.metrics(record)["ipis_sent_per_op"] in (0, None)


def test_run_that_may_not_use_fifo_is_skipped(nobody):
    """What was asked for and is not allowed is skipped with the reason; skip is not ok."""
    prefix, binary = nobody
    args = ["munmap", "cpus=1", "ops=20", "sched=fifo"]
    done = run("run", "--json", *args, prefix=prefix, binary=binary)
    assert done.returncode == 4
    record = tlbtest.json_lines(done.stdout)[1]
    tlbtest.assert_valid(record)
    assert record["state"] == "skipped"
    assert "sched = fifo: not allowed here" in record["reasons"][0]
    assert "passes" not in record or record["passes"] == {}


def test_conf_that_cannot_be_read(nobody, tmp_path):
    """A file without permission is refused as an absent one is."""
    with tempfile.NamedTemporaryFile(suffix=".conf") as conf:
        os.chmod(conf.name, 0)
        prefix, binary = nobody
        assert_refused(run("plan", conf.name, prefix=prefix, binary=binary),
                       f"{conf.name}: Permission denied")


# --- stdout -------------------------------------------------------------------


@pytest.mark.parametrize("args", [
    ["help"], ["list"], ["version"], ["describe", "munmap"], ["plan", "configs/demo.conf"], ["env"],
    ["run", "munmap", "cpus=1", "ops=5"], ["run", "--json", "munmap", "cpus=1", "ops=5"]],
    ids=" ".join)
def test_output_that_is_lost(args):
    """A full device or a closed stdout: exit 1 and one line that says so."""
    with open("/dev/full", "w") as full:
        done = run(*args, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "tlbbench: stdout: No space left on device\n"
    done = run(*args, preexec_fn=lambda: os.close(1))
    assert done.returncode == 1
    assert done.stderr == "tlbbench: stdout: Bad file descriptor\n"


def test_reader_that_goes_away():
    """A closed pipe ends the command without noise."""
    reader, writer = os.pipe()
    os.close(reader)
    done = run("list", stdout=writer)
    os.close(writer)
    assert done.returncode and len(done.stderr.splitlines()) <= 1
