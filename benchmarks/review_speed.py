"""Seconds of processor time for the review workbook of an edition's units.

python -m benchmarks.review_speed EDITION [--units NUMBER]
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path

from evaluator.publication import review_files, review_lines
from evaluator.publication.editions import read_edition
from evaluator.publication.review_rules import AS_SHIPPED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("edition", type=Path, help="folder of an edition")
    parser.add_argument("--units", type=int, help="how many; all if not given")
    given = parser.parse_args()
    if not (given.edition / "edition.json").is_file():
        parser.error(f"{given.edition} is no edition: it holds no edition.json; `evaluator demo --no-serve` makes one")
    edition = read_edition(given.edition, "")
    codes = [code for level in edition.levels for code in edition.order[level]][: given.units]
    begun = time.process_time()
    made = review_lines.build(edition, codes, AS_SHIPPED, None, {}, date(2026, 11, 30))
    compared = review_lines.compared(edition, codes)
    book = review_files.workbook(made, codes, compared, "")
    print(f"{len(codes)} units: {time.process_time() - begun:.1f} s, {len(book) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
