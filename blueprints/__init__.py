"""The pages: parse, one service call, render or redirect."""

from __future__ import annotations

from blueprints import account, enrolment, overview, signin

ALL = (signin.bp, enrolment.bp, account.bp, overview.bp)

WITHOUT_CSRF: tuple[str, ...] = ()
"""Endpoints that take posts without a CSRF token, because no cookie speaks for anybody there."""
