"""What makes a new application cheap, for each test has one of its own: half of a run went into making them.

Nothing that a test sees changes: templates are compiled once for the run instead of once for each
application, and the code that writes an address is compiled when the first address is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

Written = tuple[str, str]


def save() -> None:
    """Do so from here on."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": KeptTemplates()}
    Rule._compile_builder = _later(Rule._compile_builder)  # type: ignore[method-assign]  # for this run alone


class KeptTemplates(BytecodeCache):
    """Jinja's compiled code, in memory, under the name and the digest of the source."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket where the same source was compiled before."""
        code = self.kept.get((bucket.key, bucket.checksum))
        if code is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self.kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


def _later(compiler: Callable[[Rule, bool], Callable[..., Written]]) -> Callable[..., Callable[..., Written]]:
    def compile_later(rule: Rule, append_unknown: bool = True) -> Callable[..., Written]:
        writers: list[Callable[..., Written]] = []

        def write(bound: Rule, **values: Any) -> Written:
            if not writers:
                writers.append(compiler(rule, append_unknown))
            return writers[0](bound, **values)

        return write

    return compile_later
