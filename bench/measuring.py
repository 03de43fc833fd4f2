"""The measuring itself: databases are made, servers started and loaded, row after row."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import load, programs, rows, servers, world
from bench.drip import dripping
from bench.load import Run
from bench.report import Figure, Report, Row, Target
from bench.servers import Server
from bench.visitor import Visitor, files_of
from bench.world import HOST, SLUG, Site

HELLO_PORT, SMALL_PORT, MEDIUM_PORT, LARGE_PORT, COLD_PORT = range(8780, 8785)
DRIPPING = 200
Streams = Iterable[Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is put into the databases, and how long each row takes."""

    small: int = 1000
    medium: int = 10_000
    large: int = 100_000
    events: int = 1_000_000
    rounds: int = 3
    seconds: float = 2.0
    baseline_seconds: float = 1.0
    cold_starts: int = 3


QUICK = Sizes(200, 1000, 3000, 20_000, rounds=1, seconds=1.0, baseline_seconds=0.5, cold_starts=1)


class Bench:
    """One call of the bench.

    Args:
        folder: where databases and logs go; whoever made it deletes it.
        say: tells whoever waits what is going on.
    """

    def __init__(self, folder: Path, sizes: Sizes, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._sizes = sizes
        self._say = say
        self._report = Report()
        self._baseline = Run()
        self._begun = time.monotonic()

    def run(self) -> Report:
        """Measure everything."""
        sizes = self._sizes
        large = self._build("large", sizes.large, sizes.events)
        medium = self._build("medium", sizes.medium, 0)
        small = self._build("small", sizes.small, 0)
        with ExitStack() as stack:
            hello = servers.start_hello(HELLO_PORT, self._folder / "hello.log")
            stack.callback(hello.stop)
            self._on_medium(medium)
            at_small = self._start(small, SMALL_PORT, stack)
            at_large = self._start(large, LARGE_PORT, stack)
            self._reveals(small, large)
            self._programs(small)
            self._audit(large)
            self._slow_clients(small, at_small)
            self._turning_keys(large)
            del at_large
        self._finish()
        return self._report

    def _tell(self, words: str) -> None:
        self._say(f"[{time.monotonic() - self._begun:5.0f} s] {words}")

    def _build(self, name: str, items: int, events: int) -> Site:
        self._tell(f"making the {name} database: {items:,} credentials, {events:,} events")
        folder = self._folder / name
        folder.mkdir()
        return world.build(folder, items, events)

    def _start(self, site: Site, port: int, stack: ExitStack) -> Server:
        server = servers.start_product(site.environ, port, self._folder / f"{port}.log")
        stack.callback(server.stop)
        return server

    def _compare(self, wanted: Mapping[str, tuple[int, Streams, int]]) -> dict[str, Row]:
        """Load the servers in turn, and the baseline before each round: only what is near in time compares.

        Args:
            wanted: by name: port, streams of requests, expected status.
        """
        self._tell(", ".join(wanted))
        dealt = {name: (port, list(streams), status) for name, (port, streams, status) in wanted.items()}
        found = {name: Row(name) for name in wanted}
        for port, streams, status in dealt.values():
            load.run(port, streams, seconds=self._sizes.baseline_seconds / 2, status=status)
        for _ in range(self._sizes.rounds):
            hello = load.run(
                HELLO_PORT,
                load.alternate([f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()]),
                seconds=self._sizes.baseline_seconds,
            )
            self._baseline.add(hello)
            for name, (port, streams, status) in dealt.items():
                seen = load.run(port, streams, seconds=self._sizes.seconds, status=status)
                found[name].run.add(seen)
                found[name].rates.append(seen.rate)
                found[name].ratios.append(seen.rate / hello.rate)
        self._report.rows += found.values()
        return found

    def _expect(
        self, name: str, value: float, unit: str, limit: float | None = None, *, at_least: bool = False
    ) -> None:
        target = None if limit is None else Target(limit, at_least)
        self._report.figures.append(Figure(name, value, unit, target))

    def _on_medium(self, site: Site) -> None:
        """Everything that people do, on the database of medium size."""
        with ExitStack() as stack:
            server = self._start(site, MEDIUM_PORT, stack)
            idle = server.resident()
            self._tell("signing people in")
            guests = rows.sign_in(MEDIUM_PORT, site.workers)
            self._first_page(guests[0].visitor)
            self._pages(site, guests)
            self._expect("memory, idle", idle, "MiB", 110)
            self._expect("memory, after the run", server.resident(), "MiB", 180)
        self._starts(site, guests[0])

    def _pages(self, site: Site, guests: list[rows.Guest]) -> None:
        deal = load.alternate
        port = MEDIUM_PORT
        vault = f"/o/{SLUG}/vaults/{site.vault}"
        size = f"{len(site.items):,}"
        for name, streams, status, limit in (
            ("item page reveal", deal(rows.reveals_on_pages(site, guests)), 200, 0.06),
            (f"list of 50 out of {size}", deal(rows.pages(guests, [vault])), 200, 0.08),
            (f"search over {size}", deal(rows.pages(guests, rows.searches())), 200, 0.04),
            ("write", rows.edits(site, guests), 302, 0.12),
            ("sign-in", rows.sign_ins(port, site.newcomers), 302, None),
        ):
            row = self._compare({name: (port, streams, status)})[name]
            if limit is not None:
                self._expect(f"{name}, of baseline", row.ratio, "", limit, at_least=True)

    def _first_page(self, visitor: Visitor) -> None:
        """What a browser loads for the overview, on its first visit."""
        page = visitor.get(f"/o/{SLUG}/")
        files = [visitor.get(path) for path in files_of(page.body)]
        visitor.close()
        self._expect("first page", (page.size + sum(each.size for each in files)) / 1024, "KiB", 60)
        self._expect("first page", 1 + len(files), "requests", 6)

    def _starts(self, site: Site, guest: rows.Guest) -> None:
        """From the command to the first answer, and to the first search, which fills the index."""
        starts, searches = [], []
        self._tell("cold starts")
        for _ in range(self._sizes.cold_starts):
            server = servers.start_product(site.environ, COLD_PORT, self._folder / "cold.log")
            visitor = Visitor(COLD_PORT, HOST, "10.8.8.8")
            visitor.cookies = guest.visitor.cookies
            begin = time.perf_counter()
            answer = visitor.get(f"/o/{SLUG}/search?q=service")
            searches.append(time.perf_counter() - begin)
            starts.append(server.start_seconds)
            visitor.close()
            server.stop()
            if answer.status != 200:  # noqa: PLR2004 - OK
                self._report.notes.append(f"fault: the first search answered {answer.status}")
        self._expect("start to first answer", statistics.median(starts), "s", 2)
        self._expect("first search after start", statistics.median(searches), "s", 0.5)

    def _reveals(self, small: Site, large: Site) -> None:
        little = f"reveal by API token, {len(small.items):,} credentials"
        much = f"reveal by API token, {len(large.items):,} credentials, {self._sizes.events:,} events"
        found = self._compare(
            {
                little: (SMALL_PORT, load.alternate(rows.reveals_by_token(small)), 200),
                much: (LARGE_PORT, load.alternate(rows.reveals_by_token(large)), 200),
            }
        )
        parts = [a / b for a, b in zip(found[much].rates, found[little].rates, strict=True)]
        self._expect("reveal by API token, of baseline", found[little].ratio, "", 0.25, at_least=True)
        self._expect(
            "reveal by API token, p99 by the baseline's p50",
            found[little].run.p99 / self._baseline.p50,
            "times",
            25,
        )
        self._expect(
            "reveal by API token, much data by little", statistics.median(parts), "", 0.9, at_least=True
        )

    def _programs(self, site: Site) -> None:
        """What programs do, each in a row of its own; then two of them with fewer and with more clients."""
        self._tell("making keys and a role")
        for name, streams in programs.rows_of(SMALL_PORT, site).items():
            row = self._compare({name: (SMALL_PORT, streams(), 200)})[name]
            self._expect(f"{name}, of baseline", row.ratio, "")
        for title, make in programs.alike(site).items():
            for clients in programs.CROWDS:
                self._crowd(title, make(clients))

    def _crowd(self, title: str, streams: Sequence[Iterator[bytes]]) -> None:
        """Load with as many clients as there are streams, once with a connection each and once with many."""
        many = "1 client" if len(streams) == 1 else f"{len(streams)} clients"
        self._tell(f"{title}, {many}")
        for words, keep_alive in (("", True), (", a connection for each request", False)):
            row = Row(f"{title}, {many}{words}")
            row.run.add(load.run(SMALL_PORT, streams, seconds=self._sizes.seconds, keep_alive=keep_alive))
            row.rates.append(row.run.rate)
            self._report.rows.append(row)

    def _audit(self, site: Site) -> None:
        guests = rows.sign_in(LARGE_PORT, site.auditors)
        for name, path in rows.audit_pages(site).items():
            title = f"audit page at {self._sizes.events:,} events, {name}"
            streams = load.alternate(rows.pages(guests, [path]))
            row = self._compare({title: (LARGE_PORT, streams, 200)})[title]
            self._expect(f"audit page, {name}, of baseline", row.ratio, "", 0.05, at_least=True)

    def _slow_clients(self, site: Site, server: Server) -> None:
        self._tell(f"{DRIPPING} slow clients")
        requests = rows.reveals_by_token(site)
        alone, beside = Run(), Run()
        for _ in range(self._sizes.rounds):
            streams = load.alternate(requests)
            alone.add(load.run(server.port, streams, seconds=self._sizes.seconds))
            slow = dripping(server.port, DRIPPING, HOST)
            beside.add(load.run(server.port, streams, seconds=self._sizes.seconds, beside=slow))
        self._report.rows.append(Row(f"reveal by API token beside {DRIPPING} slow clients", beside))
        self._report.rows[-1].rates.append(beside.rate)
        self._expect(f"p99 beside {DRIPPING} slow clients, by without", beside.p99 / alone.p99, "times", 3)

    def _turning_keys(self, site: Site) -> None:
        """Reveals while another process re-encrypts everything, and without that, in turn."""
        self._tell("replacing a data key")
        requests = rows.reveals_by_token(site)
        alone, beside = Run(), Run()
        for _ in range(self._sizes.rounds):
            alone.add(load.run(LARGE_PORT, load.alternate(requests), seconds=self._sizes.seconds))
            log = self._folder / "turning.log"
            with servers.reencrypting(site.environ, SLUG, log) as goes_on:
                beside.add(load.run(LARGE_PORT, load.alternate(requests), seconds=self._sizes.seconds))
                if not goes_on():
                    self._report.notes.append("The re-encryption ended before the load beside it did.")
        self._report.rows.append(Row("reveal by API token while a data key is replaced", beside))
        self._report.rows[-1].rates.append(beside.rate)
        for name, value in (("p50", beside.p50 / alone.p50), ("p99", beside.p99 / alone.p99)):
            self._expect(f"{name} while a data key is replaced, by without", value, "times", 3)

    def _finish(self) -> None:
        hello = Row("baseline: bare Flask", self._baseline, [1.0], [self._baseline.rate])
        self._report.rows.insert(0, hello)
        self._tell("done")
