"""What is deployed: linted, and held against the code it names (settings, metrics, folders)."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from sonotype.core.settings import Settings
from sonotype.telemetry import metrics

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "sonotype.json"
RULES = DEPLOY / "prometheus" / "rules.yml"
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"
# `sonotype_cache_hits_total`, but not the `sonotype:cache_hits:ratio` of a recording rule
METRIC = re.compile(r"(?<![\w:])sonotype_[a-z0-9_]+(?![\w:])")
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


def tool(name: str) -> str:
    """A linter from the environment that runs the tests, or from PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is missing: install the `dev` extra"
    return found


@functools.cache
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


@functools.cache
def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return loaded


@functools.cache
def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def targets() -> list[dict[str, Any]]:
    return [target for panel in dashboard()["panels"] for target in panel.get("targets", [])]


def exposed_names() -> set[str]:
    """Every name of a sample that a scrape can hold."""
    assert metrics.__name__ in sys.modules
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
    families = [family for family in REGISTRY.collect() if family.name.startswith("sonotype_")]
    return {family.name + suffix for family in families for suffix in suffixes.get(family.type, [""])}


def expressions() -> dict[str, str]:
    shown = {f"panel {n}": target["expr"] for n, target in enumerate(targets())}
    return shown | {rule.get("alert") or rule["record"]: rule["expr"] for rule in rules()}


def test_the_dockerfile_is_clean() -> None:
    done = subprocess.run([tool("hadolint"), str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_yaml_is_clean() -> None:
    files = [str(COMPOSE), str(DEPLOY)]
    command = [tool("yamllint"), "-s", "-c", str(ROOT / ".yamllint.yml"), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_that_is_shown_or_watched_exists() -> None:
    text = DASHBOARD.read_text() + " ".join(rule["expr"] for rule in rules())
    used = set(METRIC.findall(text))
    assert len(used) > 20
    assert used - exposed_names() == set()


def test_every_recorded_series_that_is_used_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = set(re.findall(r"sonotype:[a-z0-9_:]+", " ".join(expressions().values())))
    assert used - recorded == set()


def test_labels_in_expressions_are_labels_of_the_metric() -> None:
    labels = {c._name: set(c._labelnames) for c in vars(metrics).values() if hasattr(c, "_labelnames")}
    for where, expression in expressions().items():
        for name, matchers in re.findall(r"(sonotype_[a-z0-9_]+)\{([^}]*)\}", expression):
            family = re.sub(r"_(total|bucket|sum|count)$", "", name)
            used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) - {"instance", "le"}
            assert used <= labels[family], where


@pytest.mark.parametrize("where", expressions())
def test_expressions_are_promql(where: str) -> None:
    promql = pytest.importorskip("promql_parser", reason="comes with the `dev` extra")
    filled = expressions()[where].replace("$__rate_interval", "1m").replace("$instance", ".*")
    assert promql.parse(filled) is not None


def test_every_alert_says_how_bad_and_what() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) >= 8
    for rule in alerts:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"]


def test_the_dashboard_is_sane() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    provisioned = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())
    assert {target["datasource"]["uid"] for target in targets()} == {provisioned["datasources"][0]["uid"]}


def test_compose_is_whole() -> None:
    services = compose()["services"]
    for name, service in services.items():
        assert "image" in service or "build" in service, name
        assert "healthcheck" in service, name
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, name
            assert how["condition"] in CONDITIONS, name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).is_dir() if source.startswith(".") else source in compose()["volumes"], volume
        for port in service.get("ports", []):
            assert port.startswith(("127.0.0.1:", "${SONOTYPE_BIND:-127.0.0.1}:")), name


def test_compose_images_are_pinned_and_redis_evicts() -> None:
    services = compose()["services"]
    for name, service in services.items():
        assert re.search(r":[\w.-]+$", service["image"]), name
        assert not service["image"].endswith(":latest"), name
    assert "allkeys-lru" in services["redis"]["command"]


@pytest.mark.parametrize("name", ["gateway", "gateway-gpu", "weights"])
def test_gateways_are_locked_down(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_prometheus_scrapes_what_compose_calls_the_gateway() -> None:
    scraped = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    (target,) = scraped["scrape_configs"][0]["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert scraped["rule_files"] == [RULES.name]
    for name in ("gateway", "gateway-gpu"):
        service = compose()["services"][name]
        assert host in service["networks"]["default"]["aliases"]
        assert any(str(p).endswith(f":{port}") for p in service["ports"])


def test_every_setting_that_is_deployed_exists() -> None:
    known = {f"SONOTYPE_{name.upper()}" for name in Settings.model_fields} | {"SONOTYPE_BIND"}
    text = DOCKERFILE.read_text() + COMPOSE.read_text() + (ROOT / "docs/operations.md").read_text()
    assert set(re.findall(r"SONOTYPE_[A-Z_]+[A-Z]", text)) - known == set()


def test_the_environment_of_compose_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in compose()["services"]["gateway"]["environment"].items():
        default = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        monkeypatch.setenv(name, default)
    settings = Settings()
    assert settings.redis_url is not None
    assert settings.api_keys == []


def test_the_image_is_built_from_what_is_sent() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    assert {source for line in copied for source in line.split()} == sent


def test_the_image_runs_without_root() -> None:
    text = DOCKERFILE.read_text()
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert text.index("USER 10001") < text.index("ENTRYPOINT")
    assert "HEALTHCHECK" in text
    assert "EXPOSE 8000 50051" in text


@pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0,
    reason="no docker compose here",
)
def test_compose_itself_accepts_the_file() -> None:
    for profile in ([], ["--profile", "gpu"], ["--profile", "milvus"]):
        command = ["docker", "compose", "-f", str(COMPOSE), *profile, "config", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_generated_tables_are_fresh() -> None:
    command = [sys.executable, "-m", "scripts.settings_table", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `make docs`\n{done.stderr}"
