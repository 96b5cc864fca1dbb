"""A health report as Prometheus reads it: as text, from a file, or over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic_neo4j.errors import MissingExtra

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from alembic_neo4j.command.health import HealthReport

_IDLE_SECONDS = 10.0
"""How long whoever has connected may say nothing."""

_JSON = "application/json"


def metrics_text(report: HealthReport) -> str:
    """Return a report in the text format of Prometheus.

    Raises MissingExtra without prometheus-client.
    """
    registry = _registry(report)
    from prometheus_client import generate_latest

    return generate_latest(registry).decode()


def write_metrics(report: HealthReport, path: Path) -> None:
    """Write a report into a file for the text file collector, at once or not at all."""
    registry = _registry(report)
    from prometheus_client import write_to_textfile

    write_to_textfile(str(path), registry)


def _registry(report: HealthReport) -> CollectorRegistry:
    try:
        from prometheus_client import CollectorRegistry, Gauge
    except ImportError as error:
        raise MissingExtra(
            "expected prometheus-client for metrics, found no such package; install "
            'the extra: pip install "alembic-neo4j[metrics]"'
        ) from error

    registry = CollectorRegistry()

    def gauge(name: str, text: str, value: float, **labels: str) -> None:
        known = gauges.get(name)
        if known is None:
            known = Gauge(name, text, list(labels), registry=registry)
            gauges[name] = known
        (known.labels(**labels) if labels else known).set(value)

    gauges: dict[str, Gauge] = {}
    gauge("neo4j_health_status", "Whether all checks have passed.", report.is_healthy)
    gauge(
        "neo4j_health_timestamp_seconds",
        "When the checks began.",
        report.moment.timestamp(),
    )
    for check in report.checks:
        passed = check.status.value == "pass"
        gauge(
            *("neo4j_health_check_status", "Whether a check has passed.", passed),
            check=check.name,
        )
        gauge(
            "neo4j_health_check_duration_seconds",
            "How long a check took, 0 where it was skipped.",
            check.seconds,
            check=check.name,
        )
    for name, value in report.metrics.items():
        _add_metric(gauge, name, value)
    return registry


def _add_metric(gauge: Callable[..., None], name: str, value: Any) -> None:
    from alembic_neo4j.command.health import METRICS

    title, text = f"neo4j_health_{name}", f"{METRICS[name].capitalize()}."
    if isinstance(value, (bool, int, float)):
        gauge(title, text, value)
    elif name == "indexes" and value is not None:
        for state, count in value.items():
            gauge(title, text, count, state=state)
    elif name in ("lock_holder", "open_run"):
        # Who and what has no number; whether there is one has.
        gauge(title, f"{text[:-1]}: 1 where there is one.", value is not None)


# Over HTTP ---------------------------------------------------------------------------


def serving(host: str, port: int, check: Callable[[], HealthReport]) -> HTTPServer:
    """Return a server that checks whenever it is asked, one asker after the other.

    ``/health`` answers with JSON, 200 or 503, and ``/metrics`` in Prometheus' format.
    Raises OSError where the address can't be listened on.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = _IDLE_SECONDS

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path not in ("/health", "/metrics"):
                self._answer(404, _JSON, '{"error": "see /health and /metrics"}')
                return
            try:
                report = check()
            except Exception as error:
                # The next one who asks may find it mended.
                said = {"status": "unhealthy", "error": str(error)}
                self._answer(503, _JSON, json.dumps(said))
                return
            if path == "/metrics":
                kind = "text/plain; version=0.0.4; charset=utf-8"
                self._answer(200, kind, metrics_text(report))
            else:
                status = 200 if report.is_healthy else 503
                self._answer(status, _JSON, json.dumps(report.as_json()))

        def _answer(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing: it is asked every few seconds."""

    return HTTPServer((host, port), Handler)
