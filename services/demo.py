"""A throw-away team with a month behind it: every event went through the services that the product uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from services import clock
from services.demo_data import PEOPLE, PersonSpec
from services.demo_month import Month
from services.demo_team import SLUG, Team
from services.runtime import Runtime

_SEED = 4
"""The same month each time, but for its dates and the generated secrets."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody of the team as whom a visitor can sign in."""

    person: PersonSpec
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Demo:
    """What a visitor needs to walk in; the owner comes first."""

    slug: str
    guests: tuple[Guest, ...]


def build(runtime: Runtime, now: datetime | None = None) -> Demo:
    """Fill a new, empty database with the team and its month.

    Args:
        now: when the month ends, with the time zone that working hours are meant in; None: now and here.
    """
    end = now or clock.now().astimezone()
    rng = Random(_SEED)
    team = Team(runtime, rng, end.date())
    for at, act in Month(team, rng, end).moments():
        with clock.standing_at(at):
            act()
    return Demo(SLUG, tuple(Guest(who, team.members[who.email].token) for who in PEOPLE))
