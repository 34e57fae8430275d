"""Corrects a tagger until it is killed, and says what was acknowledged."""

from __future__ import annotations

import sys
from pathlib import Path

from taggers_kit import correction

from sonotype.catalog.taggers.tagger import Tagger

tagger = Tagger(Path(sys.argv[1]))
number = len(tagger.history.changes)
sys.stdout.write("open\n")
while True:
    sys.stdout.write(f"? {number}\n")
    sys.stdout.flush()
    tagger.correct(correction(number, event=f"e{number}"))
    sys.stdout.write(f"! {number}\n")
    sys.stdout.flush()
    number += 1
