"""The generator and the strength meter, as the pages use them."""

from __future__ import annotations

import pytest

from errors import Invalid
from services import generator
from services.contents import Contents, Field, ItemType, Kind
from services.strength import LONGEST, rate, strength_of


def test_a_password_has_the_length_and_classes_that_were_asked_for():
    assert len(generator.password(33)) == 33
    assert generator.password(20, upper=False, lower=False, symbols=False).isdigit()


def test_a_phrase_has_the_words_that_were_asked_for():
    assert len(generator.phrase(5, " ").split(" ")) == 5


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: generator.password(7), "length"),
        (lambda: generator.password(129), "length"),
        (
            lambda: generator.password(20, lower=False, upper=False, digits=False, symbols=False),
            "classes",
        ),
        (lambda: generator.phrase(2), "words"),
        (lambda: generator.phrase(13), "words"),
        (lambda: generator.phrase(4, "=========="), "separator"),
    ],
)
def test_what_is_not_offered_is_refused_with_its_field(make, field):
    with pytest.raises(Invalid) as refused:
        make()

    assert refused.value.field == field
    assert str(refused.value).endswith(".")


def test_strength_tells_bad_from_good():
    assert strength_of("") is None
    assert strength_of("password1") == 0
    assert strength_of(generator.password(20)) == 4


def test_a_secret_of_any_length_can_be_rated():
    assert strength_of("x" * 65536) == 0
    assert strength_of("ab" * 15 + generator.password(30)) == 4


def test_no_more_is_looked_at_than_is_quick(monkeypatch):
    seen = []
    monkeypatch.setattr("zxcvbn.zxcvbn", lambda text, **_: seen.append(len(text)) or {"score": 0})

    strength_of("4@8({<6911!1|70$5+7%2" * 5)

    assert max(seen) == LONGEST


def test_a_name_used_as_password_is_weak():
    assert strength_of("mordor-harbor-77", ("mordor-harbor-77",)) < strength_of("mordor-harbor-77")


def test_only_the_main_secret_is_rated():
    weak = Field("Password", Kind.HIDDEN, "password1")
    notes = Field("Notes", Kind.MULTILINE, generator.password(40))
    own = Field("Password", Kind.HIDDEN, generator.password(40), custom=True)

    assert rate(Contents("x", ItemType.LOGIN, fields=(weak, notes))) == 0
    assert rate(Contents("x", ItemType.LOGIN, fields=(own, notes))) is None
    assert rate(Contents("x", ItemType.NOTE, fields=(notes,))) is None
