# SPDX-License-Identifier: GPL-2.0-only
"""The command line: tlbreport compare DIR, tlbreport show DIR, tlbreport export DIR."""
from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from .load import NotACampaign, load
from .model import Campaign

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
    return EXIT_LOST if campaign.lost() else EXIT_OK


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tlbreport", description="Report on a tlbbench campaign. Exit status: 0 all slots are"
        " ok; 1 something that was planned is not in the numbers; 2 usage.")
    commands = parser.add_subparsers(dest="command", required=True)
    compare = commands.add_parser(
        "compare", help="compare the kernels; print the report and write report.txt, report.html,"
        " compare.json and plots/ into DIR")
    compare.add_argument("--reference", metavar="NAME", help="kernel to compare the others with")
    show = commands.add_parser("show", help="print what was measured, nothing compared")
    export = commands.add_parser(
        "export", help="write what was timed in the formats of HdrHistogram")
    export.add_argument("--format", choices=("hlog", "hgrm"), required=True,
                        help="a log of histograms, or percentiles as text")
    export.add_argument("--case", metavar="NAME", help="only this case")
    export.add_argument("--out", metavar="DIR", type=Path, help="write there, not to DIR/export")
    for command, run in (compare, _compare), (show, _show), (export, _export):
        command.set_defaults(run=run)
        command.add_argument("directory", metavar="DIR", type=Path, help="campaign directory")
    return parser.parse_args(argv)


def _compare(campaign: Campaign, args: argparse.Namespace) -> str:
    """Write all files of the report. Returns the text. Raises NotACampaign or OSError."""
    from . import compare, expect, figures, render
    if args.reference:
        names = [k.name for k in campaign.kernels]
        if args.reference not in names:
            raise NotACampaign(f"no kernel {args.reference}; there are: {', '.join(names)}")
        campaign = replace(campaign, reference=args.reference)
    tables = compare.tables(campaign)
    report = render.Report(campaign, tables, compare.confounds(campaign),
                           compare.inexact(campaign), *figures.draw(campaign, tables),
                           expect.findings(campaign))
    text = render.text(report)
    rows = json.dumps(compare.to_json(tables), indent=1, allow_nan=False) + "\n"
    for name, content in (("report.txt", text), ("compare.json", rows),
                          ("report.html", render.html(report))):
        _write(campaign.path / name, content)
    return text


def _show(campaign: Campaign, args: argparse.Namespace) -> str:
    from . import compare, render
    return render.ledger(render.Report(campaign, [], [], compare.inexact(campaign), [], "", []))


def _export(campaign: Campaign, args: argparse.Namespace) -> str:
    """Write the files. Returns their paths, one a line. Raises NotACampaign or OSError."""
    from . import compare, export
    known = compare.cases(campaign)
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
