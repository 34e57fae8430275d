"""`python -m sonotype` is the command `sonotype`."""

from sonotype.main import run

run()
