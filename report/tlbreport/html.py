# SPDX-License-Identifier: GPL-2.0-only
"""The report as one HTML file that needs nothing else."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from . import tables as fmt
from .figures import Figure
from .mail import mail
from .report import Report


def html(report: Report) -> str:
    """Return the page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(report=report, fmt=fmt, Footnotes=fmt.Footnotes, svg=_inline,
                               mail="\n".join(mail(report)) if report.tables else "")
    return environment.get_template("report.html").render()


def _inline(figure: Figure) -> Any:
    """Return an image with ids of its own, so that two in one page do not share them.

    gnuplot escapes the text that it writes, so the image is markup that is safe.
    """
    from markupsafe import Markup
    svg = re.sub(r"(\bid=['\"]|href='#|url\(#)", rf"\g<1>{figure.name}-", figure.svg)
    label = Markup.escape(figure.caption)
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))
