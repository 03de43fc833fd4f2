"""Which rows there are of what programs do, and with how many clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench import kv_rows, rows
from bench.load import CLIENTS, alternate
from bench.world import Site

CROWDS = (1, 8, 32, 100)
Streams = list[Iterator[bytes]]


def rows_of(port: int, site: Site) -> Mapping[str, Callable[[], Streams]]:
    """Return what makes the requests of each row, by its name; write what they need first."""
    shown = kv_rows.prepare(port, site)
    return {
        "KV read": lambda: alternate(kv_rows.reads(site)),
        "KV write": lambda: kv_rows.writes(site, CLIENTS),
        f"KV list of {kv_rows.MANY:,} keys": lambda: alternate(kv_rows.lists(site)),
        "token look-up": lambda: alternate(kv_rows.look_ups(site)),
        "AppRole login": lambda: alternate(kv_rows.log_ins(shown)),
        f"reveal of {rows.TOGETHER} credentials in one request": lambda: alternate(
            rows.reveals_of_many(site)
        ),
    }


def alike(site: Site) -> Mapping[str, Callable[[int], Streams]]:
    """Return what makes the requests of so many clients, by the name of the row."""
    return {
        "KV read": lambda clients: alternate(kv_rows.reads(site), clients),
        "KV write": lambda clients: kv_rows.writes(site, clients),
    }
