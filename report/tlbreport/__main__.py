# SPDX-License-Identifier: GPL-2.0-only
"""The command line: compare, show, list, export, trend."""
from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .load import NotACampaign, load
from .model import Campaign
from .stats import BAND

if TYPE_CHECKING:
    from .report import Report

EXIT_OK, EXIT_LOST, EXIT_USAGE = 0, 1, 2


def main(argv: list[str] | None = None) -> int:
    """Run the command. Returns 0; 1 when not all that was planned is in the numbers; 2 usage."""
    args = _arguments(argv)
    try:
        campaign = load(args.directory)
        text = args.run(campaign, args)
    except NotACampaign as error:
        print(f"tlbreport: {error}", file=sys.stderr)
        return EXIT_USAGE
    except OSError as error:
        print(f"tlbreport: {error.filename or args.directory}: {error.strerror}", file=sys.stderr)
        return EXIT_LOST
    _print(text)
    return EXIT_LOST if campaign.lost() or args.failed else EXIT_OK


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tlbreport", description="Report on a tlbbench campaign. Exit status: 0 all slots are"
        " ok; 1 something that was planned is not in the numbers; 2 usage.")
    commands = parser.add_subparsers(dest="command", required=True)
    compare = commands.add_parser(
        "compare", help="compare the kernels; print the report and write report.txt, report.md,"
        " report.html, mail.txt, compare.json and plots/ into DIR")
    compare.add_argument("--reference", metavar="NAME", help="kernel to compare the others with")
    compare.add_argument("--band", metavar="PERCENT", type=_percent, default=100 * BAND,
                         help="changes inside it are equivalent (default %(default)g)")
    compare.add_argument("--allow", metavar="FACT[,FACT]", action="append", default=[],
                         help="facts of the audit that may differ: they are what is compared")
    compare.add_argument("--aa", metavar="DIR", type=Path,
                         help="results directory with the A/A of this host (default: beside DIR)")
    compare.add_argument("--fail-if-worse", action="store_true",
                         help="exit with 1 if a headline row is worse")
    show = commands.add_parser("show", help="print what was measured, nothing compared")
    export = commands.add_parser(
        "export", help="write what was timed in the formats of HdrHistogram")
    export.add_argument("--format", choices=("hlog", "hgrm"), required=True,
                        help="a log of histograms, or percentiles as text")
    export.add_argument("--case", metavar="NAME", help="only this case")
    export.add_argument("--out", metavar="DIR", type=Path, help="write there, not to DIR/export")
    for command, run in (compare, _compare), (show, _show), (export, _export):
        command.set_defaults(run=run, failed=False)
        command.add_argument("directory", metavar="DIR", type=Path, help="campaign directory")
    return parser.parse_args(argv)


def _percent(text: str) -> float:
    value = float(text)
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError("expected a percentage above 0 and below 100")
    return value


def _compare(campaign: Campaign, args: argparse.Namespace) -> str:
    """Write all files of the report. Returns the text. Raises NotACampaign or OSError."""
    from . import compare, figures, html, mail, markdown, text
    report = _report(campaign, args)
    figures_of = figures.draw(report.campaign, report.tables)
    report = replace(report, figures=figures_of[0], figure_error=figures_of[1])
    rows = json.dumps(compare.to_json(report.tables), indent=1, allow_nan=False) + "\n"
    printed = text.text(report)
    for name, content in (("report.txt", printed), ("compare.json", rows),
                          ("report.md", markdown.markdown(report)),
                          ("mail.txt", mail.mail_text(report)),
                          ("report.html", html.html(report))):
        _write(campaign.path / name, content)
    args.failed = args.fail_if_worse and bool(report.worse())
    return printed


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


def _show(campaign: Campaign, args: argparse.Namespace) -> str:
    from . import series, text
    from .report import Report
    return text.ledger(Report(campaign, inexact=series.inexact(campaign)))


def _export(campaign: Campaign, args: argparse.Namespace) -> str:
    """Write the files. Returns their paths, one a line. Raises NotACampaign or OSError."""
    from . import export, series
    known = series.cases(campaign)
    if args.case is not None and args.case not in known:
        raise NotACampaign(f"no case {args.case}; there are: {', '.join(known)}")
    paths = []
    for name, content in export.files(campaign, args.format, args.case):
        paths.append((args.out or args.directory / "export") / name)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        _write(paths[-1], content)
    if not paths:
        raise NotACampaign("nothing to export, no repetition ended well: see tlbreport show")
    return "".join(f"{path}\n" for path in paths)


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
