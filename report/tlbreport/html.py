# SPDX-License-Identifier: GPL-2.0-only
"""The report as one HTML file that needs nothing else and fetches nothing.

Images are SVG inside of img elements: each with ids of its own, and unable to run anything. They
are packed, and unpacked when they come near the window, so that a page of hundreds of cases is
small and opens at once.
"""
from __future__ import annotations

import base64
import hashlib
import zlib
from pathlib import Path

from . import tables as fmt
from .figures import Figure
from .mail import mail
from .report import Report

TEMPLATES = Path(__file__).parent / "templates"


def html(report: Report) -> str:
    """Return the page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    figures: dict[str, list[Figure]] = {}
    for figure in report.figures:
        if figure.svg:
            figures.setdefault(figure.case, []).append(figure)
    environment.filters["arrows"] = _arrows
    environment.globals.update(
        report=report, fmt=fmt, Footnotes=fmt.Footnotes, packed=_packed, figures=figures,
        script=Markup(script), script_sha256=_sha256(script),
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        mail="\n".join(mail(report)) if report.tables else "")
    return environment.get_template("report.html").render()


def _arrows(text: str) -> str:
    """Return text whose arrows are not broken between two lines."""
    return text.replace(" -> ", "\N{NO-BREAK SPACE}\N{RIGHTWARDS ARROW} ")


def _sha256(script: str) -> str:
    """Return how a page's policy names the one script that may run."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _packed(figure: Figure) -> str:
    """Return an image as report.js unpacks it."""
    return base64.b64encode(zlib.compress(figure.svg.encode(), 9)).decode()
