"""What an item may hold, and that it comes back byte for byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import Invalid
from services.contents import (
    TYPE_FIELDS,
    Contents,
    Field,
    ItemType,
    Kind,
    Overview,
    Shape,
    check_contents,
    decode_details,
    decode_overview,
    encode_details,
    encode_overview,
    shapes_of,
)
from services.item_types import MAIN_SECRETS

LOGIN = Contents("db/main", ItemType.LOGIN)


def with_fields(*fields):
    return replace(LOGIN, fields=fields)


def refusal(contents):
    with pytest.raises(Invalid) as refused:
        check_contents(contents)
    return refused.value


def custom(name="PIN", value="1", kind=Kind.HIDDEN):
    return Field(name, kind, value, custom=True)


@pytest.mark.parametrize(
    "value",
    [
        " leading and trailing ",
        "line one\r\nline two\n\n",
        "\ttab\x01\x1f",
        "🔑👩‍👩‍👧‍👦 e\u0301 vs é",
        "\u202eright to left\u200f",
        "<script>alert('x')</script>",
        '"quoted\\" \\u0041',
        "x" * 65536,
        "\ufeffbom\ufffe",
    ],
)
def test_values_come_back_byte_for_byte(value):
    notes = Field("Notes", Kind.MULTILINE, value)

    kept = check_contents(with_fields(notes))

    assert decode_details(encode_details(kept.fields)) == (notes,)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300))
def test_any_text_without_nul_and_surrogates_is_kept(value):
    kept = check_contents(with_fields(custom(value=value)))

    assert decode_details(encode_details(kept.fields))[0].value == value


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "ok\udfff"])
def test_what_has_no_bytes_is_refused_without_being_shown(value):
    error = refusal(with_fields(custom(value=value)))

    assert error.field == "PIN"
    assert value not in str(error)


def test_a_value_may_have_64_kib_and_not_a_byte_more():
    check_contents(with_fields(custom(value="é" * 32768)))

    assert refusal(with_fields(custom(value="é" * 32768 + "a"))).field == "PIN"


def test_an_overview_comes_back_whole():
    overview = Overview(
        vault_id=uuid4(),
        name="prod/dß 🔑",
        type=ItemType.DATABASE,
        user_name=" rw ",
        urls=("https://a.example/?q=1#x", "jdbc:postgresql://b/c"),
        tags=("prod", "Größe"),
        expires_on=date(2027, 3, 31),
        strength=4,
        shapes=(Shape("Password", Kind.HIDDEN, True), Shape("PIN", Kind.TEXT, False, True)),
        changed=("Name", "PIN"),
    )

    assert decode_overview(encode_overview(overview)) == overview


def test_an_overview_holds_no_value():
    contents = check_contents(with_fields(Field("Password", Kind.HIDDEN, "hunter2"), custom(value="hunter3")))

    assert shapes_of(contents) == (
        Shape("Password", Kind.HIDDEN, True),
        Shape("TOTP", Kind.OTP, False),
        Shape("Notes", Kind.MULTILINE, False),
        Shape("PIN", Kind.HIDDEN, True, True),
    )


def test_values_do_not_show_in_a_repr():
    contents = with_fields(Field("Password", Kind.HIDDEN, "hunter2"))

    assert "hunter2" not in repr(contents)
    assert "hunter2" not in repr(contents.fields)


@pytest.mark.parametrize(
    "name",
    ["a", "x" * 200, "prod/db/main", "Ops: mail (old)", "日本/語", "shalom \u200f", ".hidden", "a/..b/..."],
)
def test_names_that_are_accepted(name):
    assert check_contents(replace(LOGIN, name=name)).name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 201,
        " a",
        "a ",
        "a/ b",
        "a /b",
        "\u00a0a",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/./b",
        "a/../b",
        "a\nb",
        "a\tb",
        "a\x7fb",
        "a\x85b",
        "a\u2028b",
        "a\0b",
        "a\ud800b",
    ],
)
def test_names_that_are_refused(name):
    assert refusal(replace(LOGIN, name=name)).field == "name"


def test_a_name_is_kept_in_one_form():
    assert check_contents(replace(LOGIN, name="Cafe\u0301")).name == "Caf\u00e9"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_name": "x" * 501}, "user_name"),
        ({"user_name": "a\0"}, "user_name"),
        ({"urls": ("x" * 2001,)}, "urls"),
        ({"urls": tuple(f"https://{n}.example" for n in range(21))}, "urls"),
        ({"urls": ("https://a.example/\nb",)}, "urls"),
        ({"urls": ("javascript:alert(1)",)}, "urls"),
        ({"urls": (" JavaScript :alert(1)",)}, "urls"),
        ({"urls": ("data:text/html,x",)}, "urls"),
        ({"tags": ("x" * 61,)}, "tags"),
        ({"tags": ("a,b",)}, "tags"),
        ({"tags": ("a\nb",)}, "tags"),
        ({"tags": tuple(f"t{n}" for n in range(31))}, "tags"),
        ({"fields": tuple(custom(f"f{n}") for n in range(51))}, "fields"),
        ({"fields": (custom(" "),)}, "fields"),
        ({"fields": (custom("x" * 61),)}, "fields"),
        ({"fields": (custom("a\nb"),)}, "fields"),
        ({"fields": (custom("PIN"), custom("pin"))}, "fields"),
        ({"fields": (custom("password"),)}, "fields"),
        ({"fields": (Field("Passphrase", Kind.HIDDEN, "x"),)}, "fields"),
        ({"fields": (Field("Password", Kind.TEXT, "x"),)}, "fields"),
        ({"fields": (Field("Password", Kind.HIDDEN, "x"), Field("Password", Kind.HIDDEN, "y"))}, "fields"),
        ({"fields": (Field("TOTP", Kind.OTP, "not base32!"),)}, "TOTP"),
        ({"fields": (custom("Born", "31.3.2027", Kind.DATE),)}, "Born"),
        ({"fields": (custom("Born", "20270331", Kind.DATE),)}, "Born"),
        ({"fields": (custom("Born", "2027-02-30", Kind.DATE),)}, "Born"),
    ],
)
def test_what_is_refused_names_its_field(change, field):
    assert refusal(replace(LOGIN, **change)).field == field


@pytest.mark.parametrize(
    "change",
    [
        {"user_name": "x" * 500},
        {"urls": ("x" * 2000,)},
        {"urls": tuple(f"https://{n}.example" for n in range(20))},
        {"urls": ("ssh://git@host:22/a", "javascript.example", "data.example/x")},
        {"tags": tuple("x" * 58 + f"{n:02}" for n in range(30))},
        {"fields": tuple(custom(f"f{n}") for n in range(50))},
        {"fields": (custom("x" * 60),)},
        {"fields": (custom("Born", "2027-03-31", Kind.DATE), custom("Empty", "", Kind.DATE))},
        {"fields": (Field("TOTP", Kind.OTP, "jbsw y3dp ehpk 3pxp"),)},
    ],
)
def test_what_is_accepted_stays_as_it_is(change):
    contents = replace(LOGIN, **change)

    assert check_contents(contents) == contents


def test_blanks_and_repetitions_of_tags_and_urls_are_dropped():
    contents = replace(LOGIN, urls=(" https://a ", "", "https://a"), tags=("Prod", " prod ", "", "aws"))

    kept = check_contents(contents)

    assert kept.urls == ("https://a",)
    assert kept.tags == ("Prod", "aws")


def test_fields_stand_in_the_order_of_their_type_and_empty_ones_are_left_out():
    kept = check_contents(
        with_fields(
            custom("PIN", ""),
            Field("Notes", Kind.MULTILINE, "n"),
            Field("TOTP", Kind.OTP, ""),
            Field("Password", Kind.HIDDEN, "p"),
        )
    )

    assert [field.name for field in kept.fields] == ["Password", "Notes", "PIN"]


def test_what_programs_keep_has_a_label_an_icon_and_no_field_of_its_own():
    assert ItemType.SECRET.label
    assert ItemType.SECRET.icon
    assert TYPE_FIELDS[ItemType.SECRET] == ()


@pytest.mark.parametrize("type_", [type_ for type_ in ItemType if type_ is not ItemType.SECRET])
def test_every_other_type_has_a_label_an_icon_and_notes(type_):
    assert type_.label
    assert type_.icon
    assert TYPE_FIELDS[type_][-1].name == "Notes"
    names = {spec.name for spec in TYPE_FIELDS[type_]}
    assert MAIN_SECRETS.get(type_, "Notes") in names
