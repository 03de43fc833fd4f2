"""Every action has its words, and its place among the groups."""

import pytest

from models import Action
from services.audit_words import FAILED_SIGNINS, GROUPS, WORDS, actions_of, detail, did


@pytest.mark.parametrize("action", Action)
def test_every_action_is_told_in_words_and_belongs_to_a_group(action):
    assert did(action) != action.value
    assert WORDS[action].label
    assert any(action in group.actions for group in GROUPS.values())


def test_labels_tell_actions_apart():
    labels = [words.label for words in WORDS.values()]
    assert len(set(labels)) == len(labels)


def test_a_choice_is_a_group_or_an_action_or_everything():
    assert actions_of("sign-ins") >= FAILED_SIGNINS
    assert actions_of("item.revealed") == {Action.ITEM_REVEALED}
    assert actions_of("") == frozenset()
    with pytest.raises(ValueError, match="nonsense"):
        actions_of("nonsense")


@pytest.mark.parametrize(
    ("action", "extra", "words"),
    [
        ("item.revealed", {"field": "Password", "version": 3}, "Password"),
        ("item.revealed", {"fields": ["Password", "Notes"]}, "Password, Notes"),
        ("item.created", {"version": 1}, ""),
        ("grant.given", {"right": "edit"}, "edit"),
        ("access.denied", {"permission": "item:edit"}, "item:edit"),
        ("access.denied", {"permission": "item:edit", "organization": "lakeside"}, "lakeside"),
        ("moon.reached", {"field": "x"}, ""),
    ],
)
def test_the_extra_fact_that_says_most_is_shown(action, extra, words):
    assert detail(action, extra) == words
