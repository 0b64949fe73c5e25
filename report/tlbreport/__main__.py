# SPDX-License-Identifier: GPL-2.0-only
"""The command line: compare, show, list, plot, export, trend."""
from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .load import NotACampaign, load, read_plan
from .model import Campaign
from .stats import BAND

if TYPE_CHECKING:
    from .report import Report

EXIT_OK, EXIT_LOST, EXIT_USAGE, EXIT_CHANGED = 0, 1, 2, 3
RESULTS = Path(__file__).resolve().parents[2] / "results"
HISTOGRAMS = ("hlog", "hgrm")
FORMATS = (*HISTOGRAMS, "benchstat", "csv", "kcidb", "openmetrics")


def main(argv: list[str] | None = None) -> int:
    """Run the command. Returns 0; 1 when not all that was planned is in the numbers; 2 usage."""
    args = _arguments(argv)
    try:
        text, status = args.run(args)
    except NotACampaign as error:
        print(f"tlbreport: {error}", file=sys.stderr)
        return EXIT_USAGE
    except OSError as error:
        print(f"tlbreport: {error.filename or args.directory}: {error.strerror}", file=sys.stderr)
        return EXIT_LOST
    _print(text)
    return status


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tlbreport", description="Report on tlbbench campaigns. Exit status: 0 all slots are"
        " ok; 1 something that was planned is not in the numbers; 2 usage; 3 a change was found.")
    commands = parser.add_subparsers(dest="command", required=True)
    compare = commands.add_parser(
        "compare", help="compare the kernels; print the report and write report.txt, report.md,"
        " report.html, mail.txt, compare.json and plots/ into DIR")
    _compare_options(compare)
    show = commands.add_parser("show", help="print what was measured, nothing compared")
    listing = commands.add_parser("list", help="list the campaigns in a results directory")
    plot = commands.add_parser("plot", help="draw the plots alone")
    plot.add_argument("--term", choices=("svg", "dumb"), default="svg",
                      help="images in plots/, or characters for a terminal (default %(default)s)")
    plot.add_argument("--only", metavar="WORD", default="", help="those with a word in their name")
    export = commands.add_parser("export", help="write what was measured for other tools")
    export.add_argument("--format", choices=FORMATS, required=True,
                        help="hlog, hgrm: histograms; the others: a value per boot, or the median")
    export.add_argument("--case", metavar="NAME", help="only this case")
    export.add_argument("--out", metavar="DIR", type=Path, help="write there, not to DIR/export")
    trend = commands.add_parser(
        "trend", help="compare nights: print a text, write plots into DIR/trend; exit with 3 if a"
        " kernel has changed")
    trend.add_argument("--name", help="of the campaign (default: that of the last night)")
    trend.add_argument("--since", metavar="YYYYMMDD", default="", help="look at no night before")
    trend.add_argument("--nights", metavar="N", type=int, default=90,
                       help="at the last N nights (default %(default)s)")
    for command, run in ((compare, _compare), (show, _show), (listing, _list), (plot, _plot),
                         (export, _export), (trend, _trend)):
        command.set_defaults(run=run)
        is_list = command is listing
        command.add_argument("directory", metavar="DIR", type=Path, nargs="?" if is_list else None,
                             default=RESULTS if is_list else None,
                             help="results directory" if command in (listing, trend)
                             else "campaign directory")
    return parser.parse_args(argv)


def _compare_options(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("--reference", metavar="NAME", help="kernel to compare the others with")
    compare.add_argument("--band", metavar="PERCENT", type=_percent, default=100 * BAND,
                         help="changes inside it are equivalent (default %(default)g)")
    compare.add_argument("--allow", metavar="FACT[,FACT]", action="append", default=[],
                         help="facts of the audit that may differ: they are what is compared")
    compare.add_argument("--aa", metavar="DIR", type=Path,
                         help="results directory with the A/A of this host (default: beside DIR)")
    compare.add_argument("--fail-if-worse", dest="if_worse", action="store_const", const=EXIT_LOST,
                         help="exit with 1 if a headline row is worse")
    compare.add_argument("--exit-if-worse", dest="if_worse", metavar="CODE", type=_exit_code,
                         help="with another code, which tells it from a failure")


def _percent(text: str) -> float:
    value = float(text)
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError("expected a percentage above 0 and below 100")
    return value


def _exit_code(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 255:
        raise argparse.ArgumentTypeError("expected an exit code from 1 to 255")
    return int(text)


def _status(campaign: Campaign) -> int:
    return EXIT_LOST if campaign.lost() else EXIT_OK


def _compare(args: argparse.Namespace) -> tuple[str, int]:
    """Write all files of the report. Returns the text. Raises NotACampaign or OSError."""
    from . import compare, figures, html, mail, markdown, text
    report = _report(load(args.directory), args)
    campaign = report.campaign
    drawn, error = figures.draw(campaign, report.tables)
    report = replace(report, figures=drawn, figure_error=error)
    rows = json.dumps(compare.to_json(report.tables), indent=1, allow_nan=False) + "\n"
    printed = text.text(report)
    for name, content in (("report.txt", printed), ("compare.json", rows),
                          ("report.md", markdown.markdown(report)),
                          ("mail.txt", mail.mail_text(report)),
                          ("report.html", html.html(report))):
        _write(campaign.path / name, content)
    is_worse = args.if_worse is not None and report.worse()
    return printed, args.if_worse if is_worse else _status(campaign)


def _report(campaign: Campaign, args: argparse.Namespace) -> Report:
    """Compare the kernels. Raises NotACampaign."""
    from . import aa, compare, expect, series
    from .report import Report
    if args.reference:
        names = [k.name for k in campaign.kernels]
        if args.reference not in names:
            raise NotACampaign(f"no kernel {args.reference}; there are: {', '.join(names)}")
        campaign = replace(campaign, reference=args.reference)
    judgement, said = aa.of_host(campaign, args.aa)
    allowed = frozenset(name for names in args.allow for name in names.split(",") if name)
    rules = compare.Rules(args.band / 100, allowed, aa.refusal(judgement))
    own = aa.judge(campaign) if campaign.is_aa else None
    return Report(campaign, compare.tables(campaign, rules), compare.confounds(campaign, rules),
                  series.inexact(campaign), expect.findings(campaign), rules,
                  f"this is one: {own or 'no row varies'}" if campaign.is_aa else said, own)


def _show(args: argparse.Namespace) -> tuple[str, int]:
    from . import series, text
    from .report import Report
    campaign = load(args.directory, with_counters=True)
    report = Report(campaign, inexact=series.inexact(campaign))
    return text.ledger(report), _status(campaign)


def _list(args: argparse.Namespace) -> tuple[str, int]:
    """Return a line per campaign; no record is read. Raises NotACampaign or OSError."""
    from . import tables as fmt
    rows = []
    for path in sorted(p for p in args.directory.iterdir() if (p / "plan.json").exists()):
        try:
            plan = read_plan(path)
        except NotACampaign as error:
            rows.append([path.name, str(error).partition("plan.json: ")[2][:40], "", ""])
            continue
        ended = len(list(path.glob("slots/*/slot.json")))
        if not path.is_symlink():
            rows.append([path.name, plan["accel"], f"{ended}/{len(plan['slots'])}",
                         " ".join(k["name"] for k in plan["kernels"])])
    head = ["campaign", "accel", "slots", "kernels"]
    lines = fmt.grid(head, rows, 120, (0, 1, 3), 0) if rows else ["no campaigns"]
    return fmt.ascii_only("\n".join(lines) + "\n"), EXIT_OK


def _plot(args: argparse.Namespace) -> tuple[str, int]:
    from . import compare, figures
    campaign = load(args.directory)
    tables = compare.tables(campaign)
    if args.term == "dumb":
        return figures.as_text(campaign, tables, args.only), _status(campaign)
    drawn, error = figures.draw(campaign, tables)
    names = [f"{campaign.path}/plots/{f.name}.svg\n" for f in drawn if args.only in f.name]
    return "".join(names) + error, EXIT_LOST if error else _status(campaign)


def _export(args: argparse.Namespace) -> tuple[str, int]:
    """Write the files. Returns their paths, one a line. Raises NotACampaign or OSError."""
    from . import exchange, export, series
    campaign = load(args.directory)
    known = series.cases(campaign)
    if args.case is not None and args.case not in known:
        raise NotACampaign(f"no case {args.case}; there are: {', '.join(known)}")
    found = (export.files(campaign, args.format, args.case) if args.format in HISTOGRAMS
             else [exchange.text(campaign, args.format, args.case)])
    paths = []
    for name, content in found:
        paths.append((args.out or args.directory / "export") / name)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        _write(paths[-1], content)
    if not paths:
        raise NotACampaign("nothing to export, no repetition ended well: see tlbreport show")
    return "".join(f"{path}\n" for path in paths), _status(campaign)


def _trend(args: argparse.Namespace) -> tuple[str, int]:
    """Write the plots of alarms. Returns the text. Raises NotACampaign or OSError."""
    from . import figures, trend
    found = trend.read(args.directory, args.name, args.since, args.nights)
    printed = trend.text(found)
    _, error = figures.draw_into(args.directory / "trend", trend.sketches(found))
    if error:
        printed += f"\n{error}\n"
    return printed, EXIT_CHANGED if found.alarms() else EXIT_OK


def _write(path: Path, content: str) -> None:
    """Write a file at once. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(content, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _print(text: str) -> None:
    """Print; a reader that went away is no error."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
