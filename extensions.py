"""The Flask extensions, made once and bound to an application by ``app.create_app``.

Talisman is made there anew: it keeps its settings on itself, and the last application's would be everybody's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from flask import Blueprint, Response, current_app, request, session
from flask_limiter import Limiter
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from limits import RateLimitItem
from limits.errors import StorageError

from errors import TooManyRequests
from models import Base
from services import clock
from services.lockouts import network_of
from services.runtime import Runtime

log = logging.getLogger("chatelaine.limits")

Exempt = TypeVar("Exempt")

SESSION_KEY = "sid"
"""Under which the signed cookie holds the random session id."""
ALL = "RATE_ALL"
"""All requests of one visitor together; addresses that lead nowhere count too, static files do not."""


def rate(name: str) -> RateLimitItem:
    """Return how often something may be done, as the setting called *name* has it."""
    limits: Mapping[str, RateLimitItem] = current_app.config["RATES"]
    return limits[name]


def rate_of(name: str) -> Callable[[], str]:
    """Return the same as Flask-Limiter takes it: asked for anew at each request."""
    return lambda: str(rate(name))


def visitor() -> str:
    """Name the counter of those whose requests are counted together: a session's, else an address's."""
    cookie = session.get(SESSION_KEY)
    return _counter("session", cookie) if isinstance(cookie, str) else address()


def address() -> str:
    """Name the counter of the network that the request comes from, whoever sends it."""
    return _counter("address", network_of(request.remote_addr or ""))


def _counter(*parts: str) -> str:
    return cast("Runtime", current_app.extensions["chatelaine"]).counter_name(*parts)


class WithoutCookie(LoginManager):  # type: ignore[misc]
    """Flask-Login without its own cookie, which nothing here sets and which it looks for at every answer."""

    def _update_remember_cookie(self, response: Response) -> Response:
        return response


class SparingLimiter(Limiter):
    """Flask-Limiter, which counts all requests of a visitor without looking for other limits each time."""

    def __init__(self, **options: Any) -> None:
        self.uncounted: set[str] = set()
        self._noticing = threading.Lock()
        super().__init__(**options)

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:  # noqa: FBT001, FBT002 - Flask-Limiter's signature
        if not in_middleware:
            super()._check_request_limit(callable_name, in_middleware)
        elif self._is_counted():
            # While Redis is away Flask-Limiter goes its own way, and looks for it again by and by.
            super()._check_request_limit() if self._storage_dead else self._count(rate(ALL), visitor())

    def _is_counted(self) -> bool:
        if request.endpoint == "static" or request.blueprint in self.uncounted:
            return False
        return not hasattr(current_app.view_functions.get(request.endpoint or ""), "uncounted")

    def _count(self, limit: RateLimitItem, name: str) -> None:
        # By the name that Flask-Limiter gives to what an application limits.
        if not self.hit(limit, name, "global"):
            reset = self.limiter.get_window_stats(limit, name, "global").reset_time
            raise TooManyRequests(max(1, round(reset - clock.now().timestamp())))

    def hit(self, limit: RateLimitItem, *names: str) -> bool:
        """Count a request; False: it is one too many. While Redis is away each process counts by itself."""
        try:
            return self.limiter.hit(limit, *names)
        except StorageError:
            # What Flask-Limiter does where it counts: it then looks for the storage again by and by.
            with self._noticing:
                if not self._storage_dead:
                    log.warning(
                        "Redis does not answer; until it does, each process counts requests by itself"
                    )
                self._storage_dead = True
            return self.limiter.hit(limit, *names)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
login_manager = WithoutCookie()
csrf = CSRFProtect()
limiter = SparingLimiter(
    key_func=visitor,
    application_limits=[rate_of(ALL)],
    # Without a name of its own an address that leads nowhere would never be counted.
    request_identifier=lambda: request.endpoint or "nowhere",
    headers_enabled=False,
)


def uncounted(view: Exempt) -> Exempt:
    """Leave a view or a blueprint out of the count of all requests: it is counted elsewhere, or is free."""
    exempt: Callable[..., Any] = limiter.exempt
    free = exempt(view)
    if isinstance(view, Blueprint):
        limiter.uncounted.add(view.name)
    else:
        free.uncounted = True
    return cast("Exempt", free)
