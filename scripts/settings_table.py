"""Write the generated tables of `docs/operations.md`: settings, metrics and alerts.

python -m scripts.settings_table            rewrite what lies between the markers
python -m scripts.settings_table --check    exit with 1 if that would change the file
"""

from __future__ import annotations

import re
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from sonotype.core.settings import Settings
from sonotype.telemetry import metrics

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "operations.md"
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
# Defaults that depend on the machine, said in words.
_WORDS = {
    "data_dir": "`~/.local/share/sonotype`",
    "weights_dir": "`~/.cache/sonotype/weights`",
    "decode_workers": "one per core",
}


def settings_rows() -> Iterator[tuple[str, ...]]:
    """One row per setting: variable, kind, default, meaning."""
    for name, info in Settings.model_fields.items():
        yield f"`SONOTYPE_{name.upper()}`", _kind(info.annotation), _default(name, info), info.description or ""


def metrics_rows() -> Iterator[tuple[str, ...]]:
    """One row per collector: name, kind, labels, meaning."""
    for collector in vars(metrics).values():
        if isinstance(collector, MetricWrapperBase):
            (family,) = collector.describe()
            suffix = "_total" if family.type == "counter" else ""
            labels = ", ".join(f"`{label}`" for label in collector._labelnames)
            yield f"`{family.name}{suffix}`", family.type, labels, family.documentation


def alert_rows() -> Iterator[tuple[str, ...]]:
    """One row per alert: name, severity, what it means."""
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"*\1*", rule["annotations"]["summary"])
                yield f"`{rule['alert']}`", rule["labels"]["severity"], text


def render(page: str) -> str:
    """The page with its three tables made anew."""
    page = _between(page, "settings", _table(("Variable", "Kind", "Default", "Meaning"), settings_rows()))
    page = _between(page, "metrics", _table(("Name", "Kind", "Labels", "Meaning"), metrics_rows()))
    return _between(page, "alerts", _table(("Alert", "Severity", "Meaning"), alert_rows()))


def _kind(annotation: object) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return _kind(next(one for one in arguments if one is not type(None)))
    if origin is list:
        return f"list of {_kind(arguments[0])}s"
    names = {bool: "`true` or `false`", int: "integer", float: "number", str: "text", Path: "path", SecretStr: "secret"}
    return names.get(typing.cast("type", annotation), str(annotation))


def _default(name: str, info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True, validated_data={})
    if name in _WORDS:
        return _WORDS[name]
    return "none" if value in (None, [], "") else f"`{value}`"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _between(page: str, name: str, text: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    head, rest = page.split(begin)
    return f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def main(check: bool) -> int:
    """Rewrite the page, or only say whether it is fresh."""
    REGISTRY.collect()  # an invalid collector would fail here rather than in a scrape
    old = PAGE.read_text()
    new = render(old)
    if check:
        return int(old != new)
    PAGE.write_text(new)
    return 0


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
