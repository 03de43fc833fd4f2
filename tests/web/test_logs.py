"""The log: one line for each thing, findable words, and nothing secret."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from crypto.tokens import new_token
from errors import Conflict
from services import logs, sessions
from tests.world import MASTER_KEY


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What goes to the log from here on, as JSON."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure("json", "INFO", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def requests_in(stream: io.StringIO) -> list[dict[str, object]]:
    return [line for line in lines(stream) if line["logger"] == "chatelaine.requests"]


def test_every_request_has_its_line(browser, written):
    page = browser().open("/sign-in?next=%2Faccount")

    (line,) = requests_in(written)
    assert line.pop("at").endswith("Z")
    assert line.pop("ms") > 0
    assert line == {
        "event": "request",
        "level": "info",
        "logger": "chatelaine.requests",
        "request": page.answer.headers["X-Request-ID"],
        "method": "GET",
        "path": "/sign-in",
        "endpoint": "signin.show",
        "status": 200,
    }


def test_queries_cookies_forms_and_tokens_never_stand_in_it(browser, written, world):
    mia = browser("mia")
    mia.open("/account?q=what+somebody+searched+for")
    mia.open("/enrol/chl_enrol_12345678_secretsecretsecret", status=410)
    mia.open(f"/x/{world.tokens['mia']}", status=404)
    mia.submit("sign-out") if mia.page.select_one("#sign-out") else None

    text = written.getvalue()
    with mia.client.session_transaction() as session:
        assert str(session.get("sid")) not in text
    secret = world.tokens["mia"].rsplit("_", 1)[0][len("chl_signin_12345678_") :]
    for word in ("searched", "secretsecret", secret, MASTER_KEY, "Cookie", "csrf"):
        assert word not in text
    assert "/enrol/…" in {line["path"] for line in requests_in(written)}


@pytest.mark.parametrize(
    "odd",
    ["\r\nFAILED LOGIN from 6.6.6.6", "\x1b[31mred", "\u2028x", "\x85x", "\x00", "\x9b31m", '"}\n{"a":"b'],
)
def test_nothing_breaks_a_line(app, written, odd):
    client = app.test_client()
    client.get(
        "/", environ_overrides={"PATH_INFO": f"/x{odd}".encode().decode("latin-1"), "HTTP_USER_AGENT": odd}
    )

    (line,) = requests_in(written)
    assert line["status"] == 404
    assert len(written.getvalue().splitlines()) == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", written.getvalue())
    for style in ("json", "console"):
        record = logging.makeLogRecord({"msg": f"a{odd}b", "name": "x", "levelname": "INFO", "extra": odd})
        shown = logs.formatter(style).format(record)
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", shown)


SECRET_NAMES = [
    *("password", "Password", "new_password", "passphrase", "secret", "client-secret", "credential", "seed"),
    *("token", "api_token", "tokens", "key", "encryption_keys", "authorization", "Authorization", "cookie"),
    *("set-cookie", "otp", "totp", "csrf"),
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_what_is_called_a_secret_is_not_written(written, name):
    logging.getLogger("chatelaine.x").warning("x", extra={name: "hunter2", "nested": {name: "hunter2"}})

    assert "hunter2" not in written.getvalue()
    assert lines(written)[0][name] == logs.REDACTED


@pytest.mark.parametrize(
    "name", ["key_id", "key_version", "token_id", "passwords_changed", "monkey", "keyboard"]
)
def test_what_only_sounds_like_one_is(written, name):
    logging.getLogger("chatelaine.x").warning("x", extra={name: "plain"})

    assert lines(written)[0][name] == "plain"


def test_a_token_in_any_text_keeps_its_handle_only(written, world):
    token = world.tokens["mia"]
    logging.getLogger("anybody").error("could not use %s", token, extra={"detail": f"<{token}>"})

    (line,) = lines(written)
    handle = "_".join(token.split("_")[:3])
    assert line["event"] == f"could not use {handle}_…"
    assert line["detail"] == f"<{handle}_…>"


def fail(error: Exception) -> None:
    raise error


def test_a_fault_says_where_it_happened_and_not_what_somebody_typed(written):
    try:
        try:
            int("hunter2")
        except ValueError as error:
            raise KeyError("hunter3") from error
    except KeyError:
        logging.getLogger("chatelaine.x").exception("fault")

    (line,) = lines(written)
    assert "hunter" not in written.getvalue()
    assert "test_logs.py" in line["exception"]
    assert line["exception"].endswith("builtins.KeyError")
    assert "builtins.ValueError" in line["exception"]


def test_our_own_errors_may_say_what_they_mean(written):
    try:
        fail(Conflict("The vault already has a credential of this name."))
    except Conflict:
        logging.getLogger("chatelaine.x").exception("fault")

    assert lines(written)[0]["exception"].endswith(
        "errors.Conflict: The vault already has a credential of this name."
    )


def test_a_recursion_that_ran_away_is_cut_short(written):
    def dig() -> None:
        dig()

    try:
        dig()
    except RecursionError:
        logging.getLogger("chatelaine.x").exception("fault")

    assert len(lines(written)[0]["exception"].splitlines()) < 40


def test_a_fault_in_a_page_is_logged_once(browser, written, monkeypatch):
    mia = browser("mia")
    monkeypatch.setattr(sessions, "mine", lambda _uow: fail(ValueError("hunter2")))
    mia.open("/account", status=500)

    faults = [line for line in lines(written) if line["level"] == "error"]
    assert len(faults) == 1
    assert "hunter2" not in written.getvalue()


def test_a_failed_sign_in_leaves_the_line_that_watchers_look_for(browser, written):
    nobody = browser(address="198.51.100.7")
    nobody.open("/sign-in")
    nobody.submit("sign-in", token="wrong", status=422)

    (line,) = [line for line in written.getvalue().splitlines() if "FAILED LOGIN" in line]
    assert re.search(r"FAILED LOGIN from (\S+)\"", line)[1] == "198.51.100.7"


def test_a_failed_program_leaves_it_too(api, written):
    made_up, _ = new_token("api")
    api(None, address="198.51.100.8").get("/api/v1/items", headers={"Authorization": f"Bearer {made_up}"})

    assert "FAILED LOGIN from 198.51.100.8" in written.getvalue()


def test_the_level_decides_what_is_written(written):
    logs.configure("json", "WARNING", written)
    logging.getLogger("chatelaine.x").info("quiet")
    logging.getLogger("chatelaine.x").warning("loud")

    assert [line["event"] for line in lines(written)] == ["loud"]
