"""The requests of each row, made from what is in a database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from uuid import UUID

from bench.load import CLIENTS
from bench.visitor import Form, Visitor, form_of, request
from bench.world import HOST, SLUG, Site, Somebody

REVEALS_A_PERSON = 25
"""Different credentials that each person, or each person's program, opens in turn."""
TOGETHER = 100
"""Credentials that a program opens in one request."""
_PROXY = {"Host": HOST, "X-Forwarded-Proto": "https"}


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who is signed in, and the CSRF token of their pages."""

    visitor: Visitor
    csrf: str

    def post(self, path: str, fields: Mapping[str, str], *, files: bool = False) -> bytes:
        """Return the request of a form on one of their pages."""
        return self.visitor.request("POST", path, {**fields, "csrf_token": self.csrf}, files=files)


def sign_in(port: int, people: Sequence[Somebody]) -> list[Guest]:
    """Sign people in, each from an address of their own, as the limits want it."""
    guests = []
    for number, person in enumerate(people):
        visitor = Visitor(port, HOST, address(number))
        page = visitor.sign_in(person.token)
        guests.append(Guest(visitor, form_of(page.body, "sign-out").fields["csrf_token"]))
        visitor.close()
    return guests


def address(number: int) -> str:
    """Return the address of the visitor with this number."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def reveals_by_token(site: Site) -> list[bytes]:
    """Let every person's program open credentials by its API token."""
    rng = Random(1)
    dealt = [(person, rng.choice(site.items)) for _ in range(REVEALS_A_PERSON) for person in site.workers]
    return [
        _by_token(person, f"/api/v1/items/{item}/reveal", {"fields": ["Password"]}) for person, item in dealt
    ]


def reveals_of_many(site: Site) -> list[bytes]:
    """Let every person's program open many credentials at once."""
    rng = Random(4)
    return [
        _by_token(
            person, "/api/v1/items/reveal", {"items": [_one(rng.choice(site.items)) for _ in range(TOGETHER)]}
        )
        for person in site.workers
    ]


def _one(item: UUID) -> dict[str, object]:
    return {"id": str(item), "fields": ["Password"]}


def _by_token(person: Somebody, path: str, body: Mapping[str, object]) -> bytes:
    headers = _PROXY | {"X-Forwarded-For": "10.9.9.9", "Authorization": f"Bearer {person.api_token}"}
    return request("POST", path, headers, json.dumps(body).encode(), kind="application/json")


def reveals_on_pages(site: Site, guests: Sequence[Guest]) -> list[bytes]:
    """Let everybody open passwords on the page of the credential, without script."""
    rng = Random(2)
    dealt = [(guest, rng.choice(site.items)) for _ in range(REVEALS_A_PERSON) for guest in guests]
    return [guest.post(f"{page(item)}/reveal", {"field": "password"}) for guest, item in dealt]


def page(item: UUID) -> str:
    """Return the address of a credential's page."""
    return f"/o/{SLUG}/items/{item}"


def pages(guests: Sequence[Guest], paths: Sequence[str]) -> list[bytes]:
    """Let everybody open each of these pages."""
    return [guest.visitor.request("GET", path) for path in paths for guest in guests]


def searches() -> list[str]:
    """Return the addresses of different searches: by word, prefix, several words, host, and for nothing."""
    words = [
        f"database+{number}" if number % 2 else f"service-{number}.example.com" for number in range(10, 50)
    ]
    words += ["serv", "team-7", "prod+team-12", "service+3+database", "nothing+like+this", "rw"]
    return [f"/o/{SLUG}/search?q={word}" for word in words]


def audit_pages(site: Site) -> dict[str, str]:
    """Return the pages of the audit log that are measured, by what they show."""
    here = f"/o/{SLUG}/audit"
    return {
        "all": here,
        "a rare person": f"{here}?actor={site.rare}",
        "failures": f"{here}?result=failed",
    }


def edits(site: Site, guests: Sequence[Guest]) -> list[Iterator[bytes]]:
    """Let each client change credentials of its own, on which it knows the newest version."""
    share = len(site.items) // CLIENTS
    return [
        _edits(guests[number::CLIENTS], site.items[number * share : (number + 1) * share])
        for number in range(CLIENTS)
    ]


def _edits(guests: Sequence[Guest], items: Sequence[UUID]) -> Iterator[bytes]:
    # The form as it stands on the page, so that a change of its fields is noticed.
    visitor = guests[0].visitor
    forms = {item: form_of(visitor.get(f"{page(item)}/edit").body, "item-form") for item in items[:4]}
    visitor.close()
    return _edits_of(guests, forms)


def _edits_of(guests: Sequence[Guest], forms: Mapping[UUID, Form]) -> Iterator[bytes]:
    for turn in count():
        for item, form in forms.items():
            guest = guests[turn % len(guests)]
            version = str(int(form.fields["version"]) + turn)
            changes = {"version": version, "user_name": f"service_{turn}"}
            yield guest.post(f"{page(item)}/edit", {**form.fields, **changes}, files=True)


def sign_ins(port: int, people: Sequence[Somebody]) -> list[Iterator[bytes]]:
    """Let each client sign people in, every time from another address."""
    addresses = count(1 << 20)
    return [_sign_ins(port, people[number % len(people)], addresses) for number in range(CLIENTS)]


def _sign_ins(port: int, person: Somebody, addresses: Iterator[int]) -> Iterator[bytes]:
    visitor = Visitor(port, HOST, address(next(addresses)))
    form = form_of(visitor.get("/sign-in").body, "sign-in")
    visitor.close()
    return _sign_ins_of(visitor, {**form.fields, "token": person.token}, addresses)


def _sign_ins_of(visitor: Visitor, fields: Mapping[str, str], addresses: Iterator[int]) -> Iterator[bytes]:
    while True:
        visitor.move_to(address(next(addresses)))
        yield visitor.request("POST", "/sign-in", fields)
