"""People with passkeys, going through the pages as the page's script does."""

from __future__ import annotations

import json

from models import Passkey
from tests.authenticator import Device

NEW = "/account/factor/passkeys/new"
CONFIRM = "/account/confirm"


def with_passkey(come_in, name="mia"):
    """Let somebody sign in and add a passkey; they have their ``device`` and ``recovery`` codes then."""
    person = come_in(name)
    person.device = add(person)
    person.recovery = [line.get_text() for line in person.page.select(".codes li")]
    return person


def asked(person, form, status=200):
    """Return what the script of the present page learns that it is to ask a passkey."""
    address = person._form(form)["data-passkey"]
    headers = {"Accept": "application/json"}
    answer = person._send("POST", address, data={"csrf_token": person.csrf()}, headers=headers)
    assert answer.status_code == status, answer.get_data(as_text=True)[:300]
    return answer.get_json()


def add(person, device=None, name="Telephone", status=200, **lies):
    """Add a passkey through the pages; return the device that keeps it."""
    device = device or Device()
    person.open(NEW)
    credential = device.make(asked(person, "add-passkey"), **lies)
    person.submit("add-passkey", status, name=name, credential=json.dumps(credential))
    return device


def use(person, device, status=200, **lies):
    """Press the button for a passkey on the present page."""
    credential = device.use(asked(person, "use-passkey"), **lies)
    return person.submit("use-passkey", status, credential=json.dumps(credential))


def rows(runtime, table=Passkey):
    """Return what the database has of them."""
    with runtime.work(writing=False) as uow:
        return uow.session.query(table).all()


def reasons(trail):
    """Return why passkeys and codes were refused, as the log tells it."""
    return [event["extra"]["reason"] for event in trail.events("factor.failed")]
