"""The generator of passwords and phrases, with and without script."""

from __future__ import annotations

import string

import pytest

from crypto.generator import word_list

GENERATOR = "/o/northwind/generator"


def generated(page):
    return page.select_one("#generated").get_text()


def test_the_page_brings_a_fresh_password_without_any_script(browser, trail):
    ula = browser("ula")

    first = generated(ula.open(GENERATOR))
    second = generated(ula.submit("generator-form"))

    assert len(first) == len(second) == 20
    assert first != second
    assert trail.actions() == ["session.started"]


def test_it_is_made_of_what_was_chosen(browser):
    ula = browser("ula")
    ula.open(GENERATOR)

    page = ula.submit("generator-form", length="40", upper=None, symbols=None, avoid_lookalikes="y")

    assert len(generated(page)) == 40
    assert set(generated(page)) <= set(string.ascii_lowercase + string.digits) - set("0o1l")
    assert page.select_one("#length")["value"] == "40"
    assert not page.select_one("#upper").has_attr("checked")


def test_a_phrase_is_made_of_words(browser):
    ula = browser("ula")
    ula.open(GENERATOR)

    page = ula.submit("generator-form", kind="phrase", words="4", separator=" ", capitalize="y")

    words = generated(page).split(" ")
    assert len(words) == 4
    assert all(word.istitle() and word.lower() in word_list() for word in words)


def test_a_script_gets_the_value_and_its_randomness(browser):
    ula = browser("ula")
    ula.open(GENERATOR)

    answer = ula.json("generator-form", kind="phrase", words="6")

    assert set(answer) == {"value", "bits"}
    assert answer["bits"] == 77.5
    assert 125 < ula.json("generator-form")["bits"] < 130


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"length": "7"}, "Choose a length from 8 to 128."),
        ({"length": "129"}, "Choose a length from 8 to 128."),
        ({"length": "long"}, "Enter a whole number."),
        ({"length": ""}, "Choose a length from 8 to 128."),
        ({"kind": "phrase", "words": "2"}, "Choose from 3 to 12 words."),
        ({"kind": "phrase", "separator": "x"}, "Choose one from the list."),
        (
            {"lower": None, "upper": None, "digits": None, "symbols": None},
            "Choose at least one kind of character.",
        ),
    ],
)
def test_what_cannot_be_made_says_what_can(browser, typed, sentence):
    ula = browser("ula")
    ula.open(GENERATOR)

    page = ula.submit("generator-form", 422, **typed)

    assert sentence in page.select_one("[role=alert]").get_text()
    assert generated(page) == ""


def test_a_script_is_told_the_same(browser):
    ula = browser("ula")
    ula.open(GENERATOR)

    answer = ula.json("generator-form", status=422, length="7")

    assert answer["error"] == "Choose a length from 8 to 128."


def test_the_form_of_a_credential_brings_the_same_panel(browser, production):
    mia = browser("mia")
    page = mia.open(production + "/items/new")

    assert page.select_one("a[data-generate=password]")["href"] == GENERATOR
    panel = page.select_one("#generator form[data-generator]")
    assert panel["action"] == GENERATOR
    assert {field["name"] for field in panel.select("[name]")} >= {"kind", "length", "words", "separator"}


def test_strangers_get_no_generator(refuses):
    refuses(GENERATOR, "mallory", 404)
    refuses(GENERATOR, "mallory", 404, posting=True)
