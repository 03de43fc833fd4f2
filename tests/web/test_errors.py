"""Every failure is answered, in both forms, in words that help and tell nothing else."""

from __future__ import annotations

import logging

import jinja2
import pytest
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from blueprints import errors as error_pages
from errors import Conflict, Invalid, NotFound, TooManyRequests, Unavailable, Undecryptable
from services import actors, sessions

SECRET = "hunter2-in-an-error-text"
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def failing(app, browser, monkeypatch):
    """Ask for Mia's account while showing her sessions fails; return the answer."""

    def ask(error, accept=None):
        mia = browser("mia")

        def fail(*_args):
            raise error

        monkeypatch.setattr(sessions, "mine", fail)
        return mia.client.get("/account", base_url="http://localhost", headers=accept or HTML)

    return ask


FAILURES = [
    (Conflict("Somebody was faster."), 409, "Somebody was faster."),
    (Invalid("That is no date.", "ends"), 422, "That is no date."),
    (NotFound(), 404, "There is nothing here"),
    (TooManyRequests(90), 429, "try again in 90 seconds"),
    (Unavailable("the queue is full"), 503, "Chatelaine is busy"),
    (Undecryptable(3), 409, "cannot be decrypted (key 3)"),
    (OperationalError(SECRET, {}, Exception(SECRET)), 503, "Chatelaine is busy"),
    (NoConnectionLeft(SECRET), 503, "Chatelaine is busy"),
    (DatabaseError(SECRET, {}, Exception(SECRET)), 500, "Something went wrong on our side"),
    (IntegrityError(SECRET, {}, Exception(SECRET)), 500, "Something went wrong on our side"),
    (ValueError(SECRET), 500, "Something went wrong on our side"),
    (KeyError(SECRET), 500, "Something went wrong on our side"),
    (RecursionError(SECRET), 500, "Something went wrong on our side"),
    (MemoryError(SECRET), 500, "Something went wrong on our side"),
    (UnicodeEncodeError("ascii", SECRET, 0, 1, SECRET), 500, "Something went wrong on our side"),
    (TimeoutError(SECRET), 500, "Something went wrong on our side"),
    (SystemExit(SECRET), 500, "Something went wrong on our side"),
]
IDS = [type(failure[0]).__name__ for failure in FAILURES]


@pytest.mark.parametrize(("error", "status", "words"), FAILURES, ids=IDS)
def test_a_page_says_what_to_do(failing, error, status, words):
    answer = failing(error)

    shown = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert words in shown
    assert SECRET not in shown
    assert "Traceback" not in shown
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("error", "status", "words"), FAILURES[:-1], ids=IDS[:-1])
def test_a_script_gets_the_same_as_json(failing, error, status, words):
    answer = failing(error, JSON)

    told = answer.get_json()
    assert answer.status_code == told["status"] == status
    assert told["error"]
    assert len(told["request"]) == 12
    assert SECRET not in answer.get_data(as_text=True)


@pytest.mark.parametrize(("error", "status", "words"), FAILURES[4:5] + FAILURES[6:8])
def test_who_comes_at_a_bad_moment_is_told_when_to_come_back(failing, error, status, words):
    assert failing(error).headers["Retry-After"] == "5"


def test_the_number_on_the_page_finds_the_fault_in_the_log(failing, caplog):
    answer = failing(ValueError(SECRET))

    request_id = answer.headers["X-Request-ID"]
    assert request_id in answer.get_data(as_text=True)
    faults = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [request_id in record.getMessage() for record in faults] == [True]
    assert faults[0].exc_info


def test_the_process_lives_on(failing, browser):
    for error in (RecursionError(), MemoryError(), SystemExit()):
        failing(error)

    browser().open("/sign-in")


def test_a_failing_page_still_gets_an_answer_when_the_error_page_fails_too(failing, monkeypatch, caplog):
    """The template is broken, the disk with the templates is gone: the last resort needs neither."""

    def fail(*_args, **_values):
        raise jinja2.TemplateNotFound("errors/error.html")

    monkeypatch.setattr(error_pages, "render_template", fail)
    answer = failing(ValueError(SECRET))

    assert answer.status_code == 500
    assert answer.get_data(as_text=True).startswith("Something went wrong on our side.")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "no error page could be made" in caplog.text


def test_a_dead_database_still_gets_an_answer(app, monkeypatch):
    def fail(*_args):
        raise OperationalError("", {}, Exception("disk I/O error"))

    monkeypatch.setattr(actors, "find_person", fail)
    client = app.test_client()
    with client.session_transaction() as session:
        session["sid"] = "anything"

    assert client.get("/").status_code == 503


@pytest.mark.parametrize("path", ["/no/such/page", "/o", "/account/none", "/static/", "/%F0%9F%98%80"])
def test_an_unknown_address_has_a_page(browser, path):
    page = browser().open(path, status=404)

    assert page.select_one("h1").text == "There is nothing here"
    assert "Either the address is wrong" in page.words


def test_an_unknown_address_says_nothing_of_what_was_asked_for(browser):
    page = browser().open("/no/<script>alert(1)</script>?secret=hunter2", status=404)

    assert "hunter2" not in page.text
    assert not page.select("script:not([src])")


def test_another_method_names_the_right_ones(browser):
    answer = browser().client.delete("/sign-in")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST"


def test_signed_out_people_are_asked_to_sign_in_and_scripts_are_told(browser):
    nobody = browser()

    page = nobody.open("/account?tab=2")
    assert page.select_one('input[name="next"]')["value"] == "/account?tab=2"
    answer = nobody.client.get("/account", headers=JSON)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="chatelaine"'


def test_every_status_with_words_of_its_own_says_what_to_do():
    assert {400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 429, 500, 503} <= error_pages.WORDS.keys()
    assert all(words.title and words.message.endswith(".") for words in error_pages.WORDS.values())
