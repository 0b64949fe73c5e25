# SPDX-License-Identifier: GPL-2.0-only
"""tlbreport: from the records of a campaign to tables, plots and verdicts.

Layers, each importing only those before it:
model (what a campaign is), load (files to model), stats (pure functions), series (the values of
a metric), confounds (what else differs), compare (rows with verdicts), aa (what an A/A says of a
host), expect, tables (numbers and columns as text), figures (gnuplot), report (all of it
together), and its forms: text, mail, markdown, html.
"""
