# SPDX-License-Identifier: GPL-2.0-only
"""tlbreport: from the records of a campaign to tables, plots and verdicts.

Layers, each importing only those before it:
model (what a campaign is), load (files to model), stats (pure functions), compare (rows
with verdicts), tables (numbers and columns as text), figures (gnuplot), render (text and HTML).
"""
