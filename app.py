"""The application factory: the one place where the parts meet."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from limits import parse
from sqlalchemy import Connection, Engine, create_engine, make_url

import assembly
import blueprints
from blueprints import (
    converters,
    declared,
    filters,
    fragments,
    headers,
    page,
    request_log,
    screen,
    static_files,
    wsgi,
)
from blueprints import errors as error_pages
from blueprints.application import Application
from blueprints.requests import release_uow
from config import Settings
from crypto.keyring import MasterKeys
from errors import StartRefused
from extensions import csrf, db, limiter, login_manager
from services import instance, keys, row_security, schema, shredding
from services.database import engine_options, prepare_engine, reading, write_lock_for
from services.metrics import Metrics
from services.provider_client import Providers
from services.rate_storage import RateCounters, uri_beside
from services.reencrypter import Reencrypter
from services.runtime import Runtime
from services.stores import open_store

log = logging.getLogger(__name__)

ROOT = Path(__file__).parent
BODY_MAX = 256 * 1024
"""Bytes of a request's body, where a route allows no other size."""
THREADS = 16
"""Connections to the database that requests may hold at once; the server has as many threads."""


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application on a prepared database.

    Args:
        settings: read from the environment and ``.env`` when omitted.

    Raises:
        ConfigError: a setting is missing or malformed.
        StartRefused: the database or its keys are not as they must be.
        RuntimeError: a route does not say who may use it.
    """
    settings = settings or Settings.load(os.environ, env_file=ROOT / ".env")
    app = Application(__name__, instance_path=str(ROOT / "instance"))
    app.config.update(_flask_config(settings))
    converters.register(app)
    request_log.register(app)
    # First of all that may answer early: a page answered before it would lack its nonce.
    headers.init_app(app, settings)
    filters.register(app)
    fragments.register(app)
    static_files.register(app)
    page.register(app)
    error_pages.register(app)
    runtime = _init_database(app, settings)
    # Flask's own way to put middleware around it; to mypy it is a method.
    app.wsgi_app = wsgi.wrap(app.wsgi_app, settings, runtime.turns)  # type: ignore[assignment, method-assign]
    app.teardown_appcontext(release_uow)
    login_manager.init_app(app)
    _init_limiter(app)
    screen.init_app(app)
    csrf.init_app(app)
    for blueprint in blueprints.ALL:
        app.register_blueprint(blueprint)
    for endpoint in blueprints.WITHOUT_CSRF:
        csrf.exempt(app.view_functions[endpoint])
    for blueprint in blueprints.FOR_VAULT_CLIENTS:
        csrf.exempt(blueprint)
    declared.verify(app)
    return app


def prepare(settings: Settings) -> str | None:
    """Create or migrate the database, and set up a new instance.

    Returns:
        The token of the first owner's enrolment link, on the very first start without ``ADMIN_TOKEN``.

    Raises:
        StartRefused: the database cannot be used.
    """
    owner = instance.FirstOwner(
        organization=settings.organization_name or instance.FIRST_ORGANIZATION,
        email=settings.owner_email or instance.FIRST_EMAIL,
        admin_token=settings.admin_token,
    )
    with open_runtime(settings, migrate=True) as runtime:
        return instance.set_up(runtime, owner)


@contextmanager
def open_runtime(settings: Settings, *, migrate: bool = False) -> Iterator[Runtime]:
    """Open the database and keys for a command, without any Flask application; close them after it.

    Raises:
        StartRefused: the database or its keys are not as they must be.
    """
    if migrate:
        _migrate(settings)
    else:
        _demand_database(settings)
    engine = _engine(_database_url(settings))
    runtime = _runtime(engine, settings, Providers())
    try:
        _check_role(runtime, settings)
        _check_keys(runtime, settings)
        yield runtime
    finally:
        runtime.close()


def _runtime(engine: Engine, settings: Settings, providers: Providers) -> Runtime:
    return Runtime(
        engine,
        assembly.master_keys(settings),
        assembly.rules(settings),
        files=open_store(settings.attachments_to, settings),
        sink=assembly.sink(settings),
        providers=providers,
    )


@contextmanager
def open_database(settings: Settings) -> Iterator[tuple[Connection, MasterKeys]]:
    """Read the database without opening any of its keys, for looking at what is wrong with them.

    Raises:
        StartRefused: there is no database yet, or the configured master keys are malformed.
    """
    _demand_database(settings)
    engine = _engine(_database_url(settings))
    try:
        with reading(engine) as connection:
            yield connection, assembly.master_keys(settings)
    finally:
        engine.dispose()


def scrub_as_owner(settings: Settings) -> bool:
    """Leave no trace of destroyed keys in a database whose tables belong to another role."""
    engine = _engine(settings.database_owner_url or _database_url(settings))
    try:
        return shredding.scrub(engine, write_lock_for(engine))
    finally:
        engine.dispose()


def _demand_database(settings: Settings) -> None:
    if settings.database_path is not None and not settings.database_path.exists():
        message = f"There is no database at {settings.database_path} yet. Start `./chatelaine serve` once."
        raise StartRefused(message)


def _engine(url: str) -> Engine:
    engine = create_engine(url, **engine_options(url, threads=THREADS))
    prepare_engine(engine)
    return engine


def _migrate(settings: Settings) -> None:
    """Bring the tables up to date, as their owner where that is another role than the program's."""
    url = _database_url(settings)
    engine = _engine(settings.database_owner_url or url)
    role = make_url(url).username if settings.database_owner_url else None
    try:
        copy = schema.prepare_schema(engine, write_lock_for(engine), role=role)
    finally:
        engine.dispose()
    if copy is not None:
        log.warning("The database was brought up to date; as it was before, it is kept at %s", copy)


def _check_role(runtime: Runtime, settings: Settings) -> None:
    """Refuse to serve people as a role that no policy of PostgreSQL holds for."""
    if runtime.engine.dialect.name != "postgresql" or not settings.is_production:
        return
    with reading(runtime.engine) as connection:
        role = row_security.role_facts(connection)
    if role.unbound:
        message = (
            f"DATABASE_URL signs in as {role.name}, a superuser or a role with BYPASSRLS, for whom "
            "PostgreSQL hides no organization's rows. Name a role such as deploy/postgresql.sql makes."
        )
        raise StartRefused(message)


def _check_keys(runtime: Runtime, settings: Settings) -> None:
    if not instance.is_new(runtime):
        with reading(runtime.engine) as connection:
            runtime.missing_keys = keys.check_keys(connection, runtime.masters, without=settings.without_keys)
            # Held from now on: requests are counted, and health is asked for, while the database is away.
            runtime.keys_for(connection)


def _init_database(app: Flask, settings: Settings) -> Runtime:
    db.init_app(app)
    with app.app_context():
        engine: Engine = db.engine
    prepare_engine(engine)
    runtime = _runtime(engine, settings, assembly.providers(settings))
    try:
        _check_role(runtime, settings)
        _check_keys(runtime, settings)
    except StartRefused:
        runtime.close()
        raise
    app.extensions["chatelaine"] = runtime
    app.extensions["reencrypter"] = Reencrypter(runtime)
    app.extensions["metrics"] = Metrics(runtime)
    return runtime


def _init_limiter(app: Flask) -> None:
    limiter.init_app(app)
    storage = limiter.storage
    if isinstance(storage, RateCounters):
        app.extensions["chatelaine"].at_close(storage.close)


def _database_url(settings: Settings) -> str:
    """Give a SQLite file its absolute path: where it lies must not hang on where the program was started."""
    if settings.database_path is None:
        return settings.database_url
    path = settings.database_path
    return f"sqlite:///{path if path.is_absolute() else ROOT / path}"


def _flask_config(settings: Settings) -> dict[str, Any]:
    return {
        "SETTINGS": settings,
        "SECRET_KEY": settings.flask_secret_key,
        "SQLALCHEMY_DATABASE_URI": _database_url(settings),
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(_database_url(settings), threads=THREADS),
        "MAX_CONTENT_LENGTH": BODY_MAX,
        "MAX_FORM_MEMORY_SIZE": BODY_MAX,
        "MAX_FORM_PARTS": 500,
        "TRUSTED_HOSTS": list(settings.allowed_hosts),
        "SESSION_COOKIE_NAME": settings.cookie_name,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": settings.is_production,
        "SESSION_COOKIE_SAMESITE": "None" if settings.embed_origins else "Lax",
        "SESSION_COOKIE_PARTITIONED": bool(settings.embed_origins),
        "SESSION_COOKIE_PATH": "/",
        # The signed token lives as long as the session that its seed belongs to.
        "WTF_CSRF_TIME_LIMIT": None,
        "PROVIDE_AUTOMATIC_OPTIONS": False,
        "RATES": {name: parse(each) for name, each in settings.rates().items()},
        **_rate_limits(settings),
    }


def _rate_limits(settings: Settings) -> dict[str, Any]:
    """Count requests in Redis where there is one, else beside the database."""
    if settings.redis_url is not None:
        # Each process goes on counting by itself while Redis is away; waiting for it would stop everybody.
        return {
            "RATELIMIT_STORAGE_URI": settings.redis_url,
            "RATELIMIT_STORAGE_OPTIONS": {
                "socket_connect_timeout": 1,
                "socket_timeout": 1,
                "wrap_exceptions": True,
            },
            "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        }
    return {"RATELIMIT_STORAGE_URI": uri_beside(_database_url(settings))}
