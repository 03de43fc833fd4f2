"""A credential as programs read and write it: one JSON object.

What people have made reads as its fields by their lower-case names. What programs write keeps every type: a
text is a field's value, anything else is a field of kind JSON. A write that the type of a person's credential
cannot hold exactly turns it into a key-value secret, which can.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from crypto.otp import code_at, parse_otp
from errors import Invalid
from services import clock, references
from services.contents import TYPE_FIELDS, Contents, Field, ItemType, Kind, check_contents

USER, URL, URLS, TOTP = "username", "url", "urls", "totp"
_NOT_KEPT = frozenset({Kind.JSON, Kind.REFERENCE})
_CODE = re.compile(r"[0-9]{6,10}")

Data = dict[str, Any]


def data_of(contents: Contents) -> Data:
    """Return what a program reads; of an authenticator the code of now."""
    return _data(contents, codes=True)


def contents_for(name: str, data: Mapping[str, Any], before: Contents | None) -> Contents:
    """Return *data* as contents that read back exactly as they were written.

    Args:
        before: what the key holds now; its type, tags and expiry stay, and the seed of an authenticator whose
            code is written back.

    Raises:
        Invalid: there are too many keys, or one of them or its value cannot be kept.
    """
    if before is not None and before.type is not ItemType.SECRET:
        fitting = _fitting(name, data, before)
        if fitting is not None:
            return fitting
    fields = tuple(_field(key, value) for key, value in data.items())
    kept = check_contents(
        Contents(
            name,
            ItemType.SECRET,
            tags=before.tags if before else (),
            expires_on=before.expires_on if before else None,
            fields=fields,
        )
    )
    if not _same(_data(kept, codes=False), data):
        message = "The name of a key has no spaces at its ends, and is in the composed form of Unicode."
        raise Invalid(message)
    return kept


def dump(value: Any) -> str:
    """Write a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _data(contents: Contents, *, codes: bool) -> Data:
    data: Data = {}
    if contents.user_name:
        data[USER] = contents.user_name
    if contents.urls:
        data[URL] = contents.urls[0]
    if len(contents.urls) > 1:
        data[URLS] = list(contents.urls)
    for entry in contents.fields:
        key = entry.name if entry.custom else key_of(entry.name)
        if entry.kind is Kind.JSON:
            data[_free(key, data)] = json.loads(entry.value)
        elif entry.kind is Kind.REFERENCE:
            data[_free(key, data)] = (references.look_up(entry.value) or "") if codes else entry.value
        elif entry.kind is not Kind.OTP:
            data[_free(key, data)] = entry.value
        elif codes and entry.value:
            data[_free(key, data)] = code_at(parse_otp(entry.value), int(clock.now().timestamp()))
    return data


def key_of(field_name: str) -> str:
    """Return what programs call a field that every item of a type has."""
    return field_name.lower().replace(" ", "_")


def _free(key: str, data: Data) -> str:
    """A person may call a field of their own what programs call another one."""
    while key in data:
        key = f"{key}_"
    return key


def _field(key: str, value: Any) -> Field:
    if isinstance(value, str):
        return Field(key, Kind.HIDDEN, value, custom=True)
    return Field(key, Kind.JSON, dump(value), custom=True)


def _fitting(name: str, data: Mapping[str, Any], before: Contents) -> Contents | None:
    """Return *data* in the type of *before*; None: it does not fit there."""
    rest = dict(data)
    user, url, urls = rest.pop(USER, ""), rest.pop(URL, None), rest.pop(URLS, None)
    fields = [*_of_type(rest, before), *_custom(rest, before.fields)]
    addresses = urls if isinstance(urls, list) else [url] if url is not None else []
    if not isinstance(user, str) or not all(isinstance(one, str) for one in addresses):
        return None
    made = replace(before, name=name, user_name=user, urls=tuple(addresses), fields=tuple(fields))
    try:
        made = check_contents(made)
    except Invalid:
        return None
    seeds = any(entry.kind is Kind.OTP for entry in made.fields)
    wanted = {key: value for key, value in data.items() if not (seeds and key == TOTP)}
    return made if _same(_data(made, codes=False), wanted) else None


def _of_type(rest: Data, before: Contents) -> Iterable[Field]:
    stored = {entry.name: entry.value for entry in before.fields if not entry.custom}
    for spec in TYPE_FIELDS[before.type]:
        value = rest.get(key_of(spec.name))
        if not isinstance(value, str):
            continue
        del rest[key_of(spec.name)]
        if spec.kind is Kind.OTP and _CODE.fullmatch(value) and stored.get(spec.name):
            value = stored[spec.name]
        yield Field(spec.name, spec.kind, value)


def _custom(rest: Data, stored: Iterable[Field]) -> Iterable[Field]:
    """A text keeps the kind that a person has given to the field of its name; a reference is one no more."""
    kinds = {entry.name: entry.kind for entry in stored if entry.custom and entry.kind not in _NOT_KEPT}
    for key, value in rest.items():
        made = _field(key, value)
        yield replace(made, kind=kinds.get(key, made.kind)) if made.kind is Kind.HIDDEN else made


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Compare with types: to Python 1, 1.0 and True are equal. The order of keys means nothing."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
