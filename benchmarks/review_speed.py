"""Seconds of processor time for the review workbook of an edition's units: review_speed.py EDITION [UNITS]."""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path

from evaluator.publication import review_files, review_lines
from evaluator.publication.editions import read_edition
from evaluator.publication.review_rules import AS_SHIPPED

edition = read_edition(Path(sys.argv[1]), "")
codes = [code for level in edition.levels for code in edition.order[level]]
codes = codes[: int(sys.argv[2])] if len(sys.argv) > 2 else codes
begun = time.process_time()
made = review_lines.build(edition, codes, AS_SHIPPED, None, {}, date(2026, 11, 30))
compared = review_lines.compared(edition, codes)
book = review_files.workbook(made, codes, compared, "")
print(f"{len(codes)} units: {time.process_time() - begun:.1f} s, {len(book) / 1e6:.1f} MB")
