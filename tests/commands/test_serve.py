"""The first start on a new machine, the next one, and each way in which a start is refused."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from commands.serve import set_up_this_machine
from config import Settings
from crypto.master_keys import generate_master_key
from errors import StartRefused
from tests import fresh_clone

ENROL = re.compile(r"^  (http://127\.0\.0\.1:\d+/enrol/\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A fresh clone; the tests of this file use it one after the other, as its owner would."""
    return fresh_clone.make(tmp_path_factory.mktemp("machine"))


@pytest.fixture
def new_clone(tmp_path):
    return fresh_clone.make(tmp_path)


class Started:
    """A server that was started with `./chatelaine serve`, up to the line that says it is ready."""

    def __init__(self, clone, *arguments, **environ):
        self.port = fresh_clone.free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [clone / "chatelaine", "serve", "--port", str(self.port), *arguments],
            env={"PATH": os.environ["PATH"]} | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if line.startswith("Chatelaine is at "):
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def complaints(err: str) -> list[str]:
    """Return the lines of the log that are more than the account of what was asked for.

    The tests may run in memory, which does not last, and the start rightly says so.
    """
    return [
        line
        for line in err.splitlines()
        if "[info " not in line and not line.startswith("!! WHEN THE CONTAINER IS REPLACED")
    ]


def status(url, **headers):
    """Ask as a browser would, with cookies and following redirects."""
    browser = build_opener(HTTPCookieProcessor())
    try:
        with browser.open(Request(url, headers=headers), timeout=10) as reply:
            return reply.status
    except HTTPError as error:
        error.close()
        return error.code


def test_a_new_machine_is_set_up_served_and_stopped_and_the_link_is_shown_once(new_clone):
    with Started(new_clone) as first:
        assert status(f"{first.address}/healthz") == 200
        assert status(f"{first.address}/sign-in") == 200
        assert ENROL.search(first.said)
        assert status(ENROL.search(first.said)[1]) == 200
        code, _, err = first.end(signal.SIGINT)
    assert (code, complaints(err)) == (0, [])

    env_file, database = new_clone / ".env", new_clone / "instance" / "chatelaine.db"
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert Settings.load({}, env_file=env_file).app_env == "local"
    written = env_file.read_text()

    with Started(new_clone) as second:
        assert status(f"{second.address}/healthz") == 200
        assert "enrol" not in second.said
    assert env_file.read_text() == written


def test_two_workers_serve_the_same_house(clone):
    with Started(clone, "--workers", "2") as started:
        assert [status(f"{started.address}/sign-in") for _ in range(10)] == [200] * 10
        code, _, err = started.end()

    assert (code, complaints(err)) == (0, [])


def test_a_port_in_use_is_told_before_anything_is_made(new_clone):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = fresh_clone.run(new_clone, "serve", "--port", str(port))

    assert result.returncode == 1
    assert result.stderr == (
        f"Port {port} is in use. End the program that listens there, or choose another with --port.\n"
    )
    assert not (new_clone / "instance" / "chatelaine.db").exists()


def test_wrong_settings_end_with_78_and_every_name(new_clone):
    result = fresh_clone.run(new_clone, "serve", APP_ENV="production", PORT="no", FLASK_SECRET_KEY="changeme")

    assert result.returncode == 78
    assert result.stdout == ""
    named = {line.split(" ")[0] for line in result.stderr.splitlines()}
    assert named == {"PORT", "FLASK_SECRET_KEY", "ENCRYPTION_KEYS", "PUBLIC_URL"}
    assert not (new_clone / ".env").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "::"])
def test_local_listens_on_this_machine_alone(new_clone, host):
    result = fresh_clone.run(new_clone, "serve", "--host", host)

    assert result.returncode == 2
    assert "only this machine may connect" in result.stderr
    assert not (new_clone / "instance" / "chatelaine.db").exists()


@pytest.mark.parametrize(
    "arguments", [["--port", "0"], ["--port", "eighty"], ["--workers", "0"], ["--nonsense"]]
)
def test_wrong_usage_ends_with_2(new_clone, arguments):
    assert fresh_clone.run(new_clone, "serve", *arguments).returncode == 2


def test_a_database_without_its_keys_is_not_given_new_ones(new_clone):
    with Started(new_clone):
        pass
    (new_clone / ".env").unlink()
    result = fresh_clone.run(new_clone, "serve")

    assert result.returncode == 1
    assert "its keys is gone" in result.stderr
    assert not (new_clone / ".env").exists()


def test_other_keys_than_the_databases_end_with_78(new_clone):
    with Started(new_clone):
        pass
    other = {
        "APP_ENV": "local",
        "FLASK_SECRET_KEY": generate_master_key(),
        "ENCRYPTION_KEYS": generate_master_key(),
    }
    result = fresh_clone.run(new_clone, "serve", **other)

    assert result.returncode == 78
    assert "ENCRYPTION_KEYS" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_damaged_database_is_refused_and_left_alone(new_clone):
    database = new_clone / "instance" / "chatelaine.db"
    with Started(new_clone):
        pass
    database.write_bytes(b"not a database" * 100)
    before = database.read_bytes()
    result = fresh_clone.run(new_clone, "serve")

    assert result.returncode == 1
    assert str(database) in result.stderr
    assert "Traceback" not in result.stderr
    assert database.read_bytes() == before


def test_a_newer_database_is_refused(new_clone):
    database = new_clone / "instance" / "chatelaine.db"
    with Started(new_clone):
        pass
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    connection.close()
    result = fresh_clone.run(new_clone, "serve")

    assert result.returncode == 1
    assert "newer" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_data_folder_that_cannot_be_written_is_one_sentence(new_clone):
    (new_clone / "instance").rmdir()
    (new_clone / "instance").touch()
    result = fresh_clone.run(new_clone, "serve")

    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert str(new_clone / "instance") in result.stderr


def test_in_production_it_answers_for_its_own_host_only(new_clone, tmp_path):
    environ = {
        "FLASK_SECRET_KEY": generate_master_key(),
        "ENCRYPTION_KEYS": generate_master_key(),
        "PUBLIC_URL": "https://vault.acme.test",
        "DATABASE_URL": f"sqlite:///{tmp_path}/vault.db",
        "TRUSTED_PROXIES": "1",
    }
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    with Started(new_clone, **environ) as started:
        assert "https://vault.acme.test/enrol/" in started.said
        assert status(f"{started.address}/sign-in", Host="vault.acme.test", **proxied) == 200
        assert status(f"{started.address}/sign-in", Host="evil.test", **proxied) == 400
    assert not (new_clone / ".env").exists()


# --- What is written, and where


@pytest.mark.parametrize(
    "environ",
    [
        {"CHATELAINE_CONTAINER": "1"},
        {"APP_ENV": "production"},
        {"FLASK_ENV": "local"},
        {"ENCRYPTION_KEYS_FILE": "/k"},
        {"SPACE_HOST": "a.hf.space"},
    ],
    ids=lambda environ: next(iter(environ)),
)
def test_no_file_is_written_where_something_is_configured_or_in_a_container(tmp_path, environ):
    set_up_this_machine(environ, tmp_path / ".env")

    assert not (tmp_path / ".env").exists()


def test_a_folder_that_takes_no_settings_file_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("commands.serve.DEFAULT_DATABASE", tmp_path / "none.db")
    with pytest.raises(StartRefused, match="Cannot write"):
        set_up_this_machine({}, tmp_path / "missing" / ".env")
