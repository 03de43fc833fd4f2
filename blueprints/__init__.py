"""The pages: parse, one service call, render or redirect."""

from __future__ import annotations

from blueprints import (
    account,
    api,
    audit,
    csp,
    enrolment,
    factors,
    generator,
    health,
    item_history,
    item_moves,
    items,
    lockouts,
    overview,
    people,
    search,
    settings,
    signin,
    tokens,
    trash,
    vault_access,
    vaults,
)

ALL = (
    account.bp,
    api.bp,
    audit.bp,
    csp.bp,
    enrolment.bp,
    factors.bp,
    generator.bp,
    health.bp,
    item_history.bp,
    item_moves.bp,
    items.bp,
    lockouts.bp,
    overview.bp,
    people.bp,
    search.bp,
    settings.bp,
    signin.bp,
    tokens.bp,
    trash.bp,
    vault_access.bp,
    vaults.bp,
)

WITHOUT_CSRF = frozenset({"api.reveal", "csp.report"})
"""Endpoints that take posts without a CSRF token, because no cookie speaks for anybody there."""
