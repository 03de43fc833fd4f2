"""The pages: parse, one service call, render or redirect."""

from __future__ import annotations

from blueprints import account, api, csp, enrolment, health, overview, signin

ALL = (account.bp, api.bp, csp.bp, enrolment.bp, health.bp, overview.bp, signin.bp)

WITHOUT_CSRF = frozenset({"api.reveal", "csp.report"})
"""Endpoints that take posts without a CSRF token, because no cookie speaks for anybody there."""
