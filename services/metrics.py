"""Figures for a monitoring system, counted in this process: how much, how fast, how full. Never names."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily
from sqlalchemy.exc import SQLAlchemyError

from services import audit_queries as queries
from services.database import reading
from services.health import database_size

if TYPE_CHECKING:
    from models import Action
    from services.runtime import Runtime

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one process, and what is read anew whenever somebody asks."""

    def __init__(self, runtime: Runtime) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "chatelaine_requests", "Answered requests", ("endpoint", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "chatelaine_request_seconds",
            "Time from a request's arrival in the application to its answer",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._events = Counter(
            "chatelaine_events",
            "Audit events that requests have recorded",
            ("action",),
            registry=self._registry,
        )
        self._registry.register(_State(runtime))

    def count_request(self, endpoint: str, status: int, seconds: float) -> None:
        """Count an answer, by its endpoint and class of status."""
        self._requests.labels(endpoint, f"{status // 100}xx").inc()
        self._seconds.observe(seconds)

    def count_events(self, actions: Iterable[Action]) -> None:
        """Count events that have become durable: reveals, failed sign-ins, denials and all others."""
        for action in actions:
            self._events.labels(action.value).inc()

    def exposition(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self._registry)


class _State:
    """What is measured at the moment of asking."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def describe(self) -> Iterable[Metric]:
        """Tell the registry nothing in advance: it would ask for the figures to learn their names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Read the figures; those of a database that does not answer are left out."""
        committer = self._runtime.committer
        yield SummaryMetricFamily(
            "chatelaine_committer_batch_events",
            "Events that the committer has made durable, and in how many batches",
            count_value=committer.batches,
            sum_value=committer.committed,
        )
        yield GaugeMetricFamily(
            "chatelaine_committer_waiting", "What waits for the committer", committer.waiting
        )
        with contextlib.suppress(SQLAlchemyError, OSError):
            yield GaugeMetricFamily(
                "chatelaine_database_bytes", "Size of the database", database_size(self._runtime.engine)
            )
        with contextlib.suppress(SQLAlchemyError):
            yield GaugeMetricFamily(
                "chatelaine_checkpoint_age_seconds",
                "Time since the last signed checkpoint of the audit log; none yet: NaN",
                self._checkpoint_age(),
            )

    def _checkpoint_age(self) -> float:
        with reading(self._runtime.engine) as connection:
            last = connection.execute(queries.LAST_CHECKPOINT).one_or_none()
        return float("nan") if last is None else max(0.0, time.time() - last.at.timestamp())
