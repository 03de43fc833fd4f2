"""Where browsers report what the content policy has stopped."""

from __future__ import annotations

import dataclasses
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, UnsupportedMediaType

from blueprints.guard import public
from blueprints.headers import REPORT_PATH
from blueprints.requests import current_uow
from extensions import address, limiter, rate_of
from services import csp_reports, strict_json

bp = Blueprint("csp", __name__)

NOWHERE = "elsewhere"
"""What stands for an address that is not one of our pages."""


@bp.post(REPORT_PATH)
@limiter.limit(rate_of("RATE_CSP_REPORT"), key_func=address)
@public(anonymous=True)
def report() -> ResponseReturnValue:
    """Take a report from anybody: browsers send it without being asked, and often without a cookie."""
    kind = csp_reports.KINDS.get(request.mimetype)
    if kind is None:
        raise UnsupportedMediaType
    found = csp_reports.read(strict_json.parse(request.get_data()), kind)
    violations = [dataclasses.replace(one, document=_page_of(one.document)) for one in found]
    csp_reports.store(current_uow(), violations)
    return "", HTTPStatus.NO_CONTENT


def _page_of(document: str) -> str:
    """Return the pattern of one of our addresses, which names no organization, item or person."""
    try:
        path = urlsplit(document).path
        rule, _ = current_app.url_map.bind("").match(path, "GET", return_rule=True)
    except (ValueError, HTTPException):
        return NOWHERE
    return str(rule)
