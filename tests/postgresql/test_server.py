"""The server goes away and comes back, is brought up to date, and is refused as the wrong role."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import create_app, open_runtime, prepare
from errors import StartRefused
from models import Action, Base, Organization
from policy import NOBODY
from services import audit, clock, committer, postgresql, row_security, schema
from services.committer import Mark
from services.database import NoLock, writing
from services.events import Target
from tests import servers
from tests import world as worlds
from tests.browser import Browser
from tests.world import NORTHWIND

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def server():
    """A server of these tests' own, which they may stop."""
    server = servers.Postgres()
    databases = servers.Databases(server)
    yield databases
    databases.close()


@pytest.fixture
def settings(server, tmp_path):
    """A new installation on it."""
    name = server.at(tmp_path)
    urls = {
        "DATABASE_URL": server.server.url(name),
        "DATABASE_OWNER_URL": server.server.url(name, servers.OWNER),
    }

    def settings(**changes):
        return worlds.settings_for(tmp_path, **{**urls, **changes})

    return settings


def test_while_the_server_is_away_every_page_says_so_and_it_comes_back_by_itself(server, settings, caplog):
    token = prepare(settings())
    app = create_app(settings())
    runtime = app.extensions["chatelaine"]
    visitor = Browser(app, "192.0.2.7")
    visitor.open(f"/enrol/{token}")
    visitor.open("/sign-in")
    with runtime.work(writing=True) as uow:
        uow.act_as(NOBODY)
    server.server.stop()
    try:
        page = visitor.open("/sign-in", 503)
        assert page.answer.headers["Retry-After"]
        assert app.test_client().get("/healthz").status_code == 200
        assert app.test_client().get("/readyz").status_code == 503
    finally:
        server.server.start()
    visitor.open("/sign-in")
    with runtime.work(writing=True) as uow:
        assert uow.session.query(Organization).count() == 1
    assert app.test_client().get("/readyz").status_code == 200
    runtime.close()
    assert not [record for record in caplog.records if record.name.startswith("sqlalchemy.pool")]


def test_a_server_that_is_stopped_under_a_writer_undoes_its_work(server, settings):
    prepare(settings())
    with open_runtime(settings()) as runtime:
        with pytest.raises(OperationalError), runtime.work(writing=True) as uow:
            uow.connection.execute(text("UPDATE organization SET name = 'half'"))
            server.server.stop()
            server.server.start()
            uow.connection.execute(text("SELECT 1"))
        with runtime.work(writing=False) as uow:
            assert uow.connection.scalar(text("SELECT name FROM organization")) == "My team"


@pytest.fixture
def new(server, tmp_path):
    """An engine of the owner's on an empty database."""
    engine = worlds.engine_on(server.server.url(server.at(tmp_path), servers.OWNER))
    yield engine
    engine.dispose()


def test_the_migrations_make_exactly_the_tables_of_the_models_and_the_counters(new):
    schema.prepare_schema(new, NoLock(), role=servers.APPLICATION)
    with new.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = [change for change in compare_metadata(context, Base.metadata) if change[0] != "remove_index"]
    assert [(change[0], change[1].name) for change in found] == [("remove_table", "rate_counter")]


def test_the_migrations_can_be_taken_back_and_done_again(new):
    schema.prepare_schema(new, NoLock())
    for target, act in (("0002", command.downgrade), ("head", command.upgrade)):
        with writing(new, NoLock()) as connection:
            act(schema._config_on(connection), target)
        with new.connect() as connection:
            protected = row_security.open_tables(connection) == []
        assert protected is (target == "head")


def test_a_server_is_never_copied_before_a_migration(new):
    assert schema.prepare_schema(new, NoLock()) is None
    assert schema.prepare_schema(new, NoLock()) is None


def test_a_role_that_may_not_change_tables_is_told_whom_to_name(server, tmp_path, settings):
    with pytest.raises(StartRefused, match="DATABASE_OWNER_URL"):
        prepare(worlds.settings_for(tmp_path, DATABASE_URL=settings().database_url, DATABASE_OWNER_URL=""))


def test_one_role_for_everything_works_too_and_the_policies_hold_for_it(server, tmp_path, settings):
    url = server.server.url(server.at(tmp_path), servers.OWNER)
    alone = settings(DATABASE_URL=url, DATABASE_OWNER_URL="")
    token = prepare(alone)
    app = create_app(alone)
    Browser(app, "192.0.2.8").open(f"/enrol/{token}")
    with server.server.connect(server.at(tmp_path), servers.OWNER) as connection:
        assert connection.execute("SELECT count(*) FROM invitation").fetchone() == (0,)
    app.extensions["chatelaine"].close()


def test_a_server_that_is_not_there_is_named_without_its_password(settings):
    url = "postgresql+psycopg://ada:hunter2@127.0.0.1:9/vault"
    with pytest.raises(StartRefused, match=r"cannot be used") as refused:
        prepare(settings(DATABASE_URL=url, DATABASE_OWNER_URL=""))
    assert "hunter2" not in str(refused.value)


PRODUCTION = {"APP_ENV": "production", "PUBLIC_URL": "https://vault.example.org"}


@pytest.mark.parametrize("attribute", ["SUPERUSER", "BYPASSRLS"])
def test_production_refuses_a_role_that_no_policy_holds_for(server, tmp_path, settings, attribute):
    prepare(settings())
    name = server.at(tmp_path)
    role = f"mighty_{attribute.lower()}"
    with server.server.connect(name) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN {attribute}")
        row_security_free = f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"
        connection.execute(row_security_free)
    url = server.server.url(name, role)
    for start in (create_app, lambda chosen: open_runtime(chosen).__enter__()):
        with pytest.raises(StartRefused, match=rf"{role}, a superuser or a role with BYPASSRLS"):
            start(settings(DATABASE_URL=url, **PRODUCTION))
    create_app(settings(**PRODUCTION)).extensions["chatelaine"].close()


def test_the_script_for_a_server_makes_what_the_program_needs(server, tmp_path):
    folder = str(server.server.folder)
    subprocess.run(
        [servers.program("psql"), "-h", folder, "-U", "postgres", "-d", "postgres", "-q",
         "-v", "owner_password=one", "-v", "password=two", "-f", str(renamed(tmp_path))],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    urls = {
        "DATABASE_URL": server.server.url("shop", "shop"),
        "DATABASE_OWNER_URL": server.server.url("shop", "shop_owner"),
    }
    chosen = worlds.settings_for(tmp_path / "other", **urls, **PRODUCTION)
    assert prepare(chosen)
    app = create_app(chosen)
    runtime = app.extensions["chatelaine"]
    with runtime.work(writing=False) as uow:
        facts = row_security.role_facts(uow.connection)
        assert (facts.name, facts.unbound, facts.owner) == ("shop", False, False)
    runtime.close()


def renamed(folder):
    """Return the script with other names: those of the roles are taken on this server."""
    script = (ROOT / "deploy" / "postgresql.sql").read_text(encoding="utf-8")
    path = folder / "script.sql"
    path.write_text(script.replace("chatelaine", "shop"), encoding="utf-8")
    return path


def test_who_waits_longer_than_the_limit_for_the_turn_to_write_is_refused(runtime, monkeypatch):
    impatient = postgresql._WRITE.replace("; SELECT", "; SET LOCAL lock_timeout = '50ms'; SELECT", 1)
    monkeypatch.setitem(postgresql._BEGIN, True, impatient)
    with runtime.work(writing=True), pytest.raises(OperationalError), runtime.work(writing=True):
        pass
    with runtime.work(writing=True) as uow:
        assert uow.writing


def test_a_writer_has_its_limits(runtime):
    with runtime.work(writing=True) as uow:
        shown = [
            uow.connection.scalar(text(f"SHOW {name}"))
            for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        ]
    assert shown == ["10s", "30s", "1min"]


def test_nobodys_events_wait_for_a_row_that_a_writer_holds(runtime, browser, world, trail, monkeypatch):
    """When and from where a session was last used is noted beside events; it must hold nobody up."""
    browser("mia")
    # Less than whoever waits for a lock would need; the committer signs its first checkpoint meanwhile, too.
    monkeypatch.setattr(committer, "WAIT", postgresql.LOCK_SECONDS / 2)
    session = "SELECT id FROM user_session"
    with runtime.work(writing=True) as writer:
        writer.connection.execute(text("UPDATE user_session SET agent = 'held'"))
        (session_id,) = writer.connection.scalars(text(session)).all()
        runtime.checkpoints._last = None
        runtime.committer.note(Mark("session", session_id, clock.now(), "192.0.2.5"))
        with runtime.work(writing=False, actor=world.actor("mia")) as reader:
            audit.record(reader, Action.ITEM_REVEALED, Target("item", session_id))
        assert trail.actions()[-1] == "item.revealed"


def test_readers_wait_for_no_writer(runtime, world):
    with runtime.work(writing=True, actor=world.actor("alice")) as writer:
        writer.connection.execute(text("UPDATE vault SET name = 'Renamed' WHERE name = 'Production'"))
        with runtime.work(writing=False, actor=world.actor("alice")) as reader:
            names = set(reader.connection.scalars(text("SELECT name FROM vault")))
    assert names == {"Production", "Board"}
    assert world.organizations[NORTHWIND]


def test_a_reader_sees_one_state_from_its_first_statement_to_its_last(runtime, world):
    with runtime.work(writing=False, actor=world.actor("alice")) as reader:
        before = set(reader.connection.scalars(text("SELECT name FROM vault")))
        with runtime.work(writing=True, actor=world.actor("alice")) as writer:
            writer.connection.execute(text("UPDATE vault SET name = 'Renamed' WHERE name = 'Production'"))
        assert set(reader.connection.scalars(text("SELECT name FROM vault"))) == before
