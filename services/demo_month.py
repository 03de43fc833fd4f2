"""When the people of the demo do what: thirty days with mornings, weekends and a few bad moments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from random import Random

from policy import Permission
from services.demo_data import (
    ADMIN,
    AUDITOR,
    CREDENTIALS,
    DEVELOPER,
    DISCARDED,
    INVITED,
    MARKETER,
    MARKETING,
    OFFICE,
    OWNER,
    PEOPLE,
    PRODUCTION,
    STRANGER,
    VAULTS,
    CredentialSpec,
    PersonSpec,
    VaultSpec,
)
from services.demo_sharing import Sharing
from services.demo_team import Team

DAYS = 30
_FRIDAY, _SATURDAY = 4, 5
_WORKDAY_HOURS = 8.5

Moment = tuple[datetime, Callable[[], None]]


class Month:
    """The plan: what happens when, in any order until it is asked for.

    Args:
        end: now, in the time zone that working hours are meant in.
    """

    def __init__(self, team: Team, rng: Random, end: datetime) -> None:
        self._team = team
        self._rng = rng
        self._end = end
        self._moments: list[Moment] = []

    def moments(self) -> list[Moment]:
        """Return what happens up to a minute ago, in its order."""
        self._begin()
        self._move_in()
        for days_ago in range(DAYS - 1, -1, -1):
            self._at(days_ago, 4, self._team.tidy)
            self._run_programs(days_ago)
            self._go_to_work(days_ago)
        self._go_wrong()
        self._change_hands()
        self._just_now()
        return sorted(self._moments, key=lambda moment: moment[0])

    def _day(self, days_ago: int) -> date:
        return self._end.date() - timedelta(days=days_ago)

    def _at(self, days_ago: int, hour: float, act: Callable[[], None]) -> None:
        midnight = datetime.combine(self._day(days_ago), time(), self._end.tzinfo)
        at = midnight + timedelta(hours=hour)
        if at <= self._end - timedelta(minutes=1):
            self._moments.append((at, act))

    def _ago(self, minutes: float, act: Callable[[], None]) -> None:
        self._moments.append((self._end - timedelta(minutes=minutes), act))

    def _begin(self) -> None:
        team = self._team
        self._at(DAYS, 8.05, partial(team.found, OWNER))
        self._at(DAYS, 8.1, partial(team.sign_in, OWNER))
        for number, who in enumerate(PEOPLE[1:]):
            hour = 8.4 + number / 3
            self._at(DAYS, hour, partial(team.join, who, OWNER))
            self._at(DAYS, hour + 0.1, partial(team.sign_in, who))
        for number, vault in enumerate(VAULTS):
            self._at(DAYS, 10 + number / 5, partial(team.make_vault, vault))
        self._at(DAYS - 1, 15.2, partial(team.issue, "Nightly backup", ADMIN, 41))
        self._at(DAYS - 1, 15.4, partial(team.issue, "Deploy", ADMIN, 90))
        self._at(DAYS - 2, 11.3, partial(team.issue, "Status page", ADMIN, 90))
        self._at(9, 16.7, partial(team.revoke, "Status page", ADMIN))

    def _move_in(self) -> None:
        """Half of the credentials come on the first afternoon, the rest in the three weeks after."""
        for vault, specs in CREDENTIALS:
            for number, spec in enumerate(specs):
                # What programs fetch and what goes wrong below is there from the start.
                first = number < len(specs) // 2 or spec.tags.startswith("prod")
                days_ago = DAYS if first else self._workday(7, DAYS - 2)
                hour = self._rng.uniform(11, 17)
                self._at(days_ago, hour, partial(self._team.keep, spec, vault, self._editor(vault)))
                self._renew(spec, vault, days_ago)
        for vault, spec in DISCARDED:
            self._at(DAYS, self._rng.uniform(11, 17), partial(self._team.keep, spec, vault, vault.maker))
            self._at(self._workday(2, 15), 14.6, partial(self._team.discard, spec, vault.maker))

    def _renew(self, spec: CredentialSpec, vault: VaultSpec, since: int) -> None:
        for _ in range(spec.renewed):
            act = partial(self._team.renew, spec, self._editor(vault))
            self._at(self._workday(1, since - 1), self._rng.uniform(9.5, 16.5), act)

    def _workday(self, latest: int, earliest: int) -> int:
        """Choose a working day, in days ago."""
        between = range(latest, earliest + 1)
        return self._rng.choice([ago for ago in between if self._day(ago).weekday() < _SATURDAY])

    def _editor(self, vault: VaultSpec) -> PersonSpec:
        editors = {PRODUCTION.name: (ADMIN, DEVELOPER), OFFICE.name: (OWNER, MARKETER)}
        return self._rng.choice(editors.get(vault.name, (MARKETER,)))

    def _run_programs(self, days_ago: int) -> None:
        backup = partial(self._team.fetch, "Nightly backup", "prod/backup/repository passphrase")
        if days_ago < DAYS - 1:
            self._at(days_ago, 2.5 + self._rng.uniform(0, 0.02), backup)
        if self._day(days_ago).weekday() < _SATURDAY and days_ago < DAYS - 1:
            for _ in range(self._rng.randint(1, 3)):
                act = partial(self._team.fetch, "Deploy", "prod/api/Repository bot")
                self._at(days_ago, self._rng.uniform(9.5, 17), act)

    def _go_to_work(self, days_ago: int) -> None:
        weekday = self._day(days_ago).weekday()
        for who in PEOPLE:
            if weekday < _SATURDAY and who is not AUDITOR and self._rng.random() > 0.06:  # noqa: PLR2004 - a day off
                self._work(who, days_ago)
            elif who is ADMIN and self._rng.random() < 0.4:  # noqa: PLR2004 - on call
                self._visit(who, days_ago, self._rng.uniform(10, 21), 2)
        if weekday == _FRIDAY:
            self._visit(AUDITOR, days_ago, 11.2, 0)

    def _work(self, who: PersonSpec, days_ago: int) -> None:
        arrival = who.hour + self._rng.triangular(-0.2, 0.9, 0.1)
        for _ in range(max(1, who.busy + self._rng.randint(-3, 2))):
            # Most is looked up in the morning; few are at their desk around one.
            hour = arrival + 0.1 + self._rng.triangular(0, _WORKDAY_HOURS, 1.5)
            hour += 1 if 12.3 < hour < 13.2 else 0  # noqa: PLR2004 - lunch
            self._at(days_ago, hour, partial(self._team.open_one, who))
        self._at(days_ago, arrival, partial(self._team.sign_in, who))
        if self._rng.random() < 0.6:  # noqa: PLR2004 - most people close the lid instead
            self._at(days_ago, arrival + _WORKDAY_HOURS + 1.2, partial(self._team.sign_out, who))

    def _visit(self, who: PersonSpec, days_ago: int, hour: float, values: int) -> None:
        self._at(days_ago, hour, partial(self._team.sign_in, who))
        for number in range(values):
            self._at(days_ago, hour + 0.05 + number / 20, partial(self._team.open_one, who))
        self._at(days_ago, hour + 0.5, partial(self._team.sign_out, who))

    def _go_wrong(self) -> None:
        team = self._team
        for days_ago, who, name, permission in (
            (24, MARKETER, "prod/db/orders primary", Permission.ITEM_READ),
            (18, DEVELOPER, "social/Mastodon", Permission.ITEM_READ),
            (16, AUDITOR, "finance/Bank portal", Permission.ITEM_REVEAL),
            (8, DEVELOPER, "finance/Bank card", Permission.ITEM_EDIT),
            (3, MARKETER, "prod/api/Payments live key", Permission.ITEM_READ),
        ):
            self._at(days_ago, self._rng.uniform(10, 16), partial(team.overstep, who, name, permission))
        self._at(13, 10.1, partial(team.replace_token, MARKETER))
        self._at(12, 9.9, lambda: team.guess(team.old_token, MARKETER.address))
        for attempt in range(7):
            self._at(11, 3.2 + attempt / 90, lambda: team.guess(team.old_token, STRANGER))
        self._at(6, 22.4, lambda: team.guess("correct-horse-battery", STRANGER))

    def _change_hands(self) -> None:
        team = self._team
        self._at(17, 11.5, partial(team.lend, MARKETING, DEVELOPER, OWNER, timedelta(days=5)))
        for name in ("finance/Bank portal", "Bookkeeping", "Workspace administration"):
            self._at(20, 12.1, partial(team.mark, name, OWNER))
        sharing = Sharing(team)
        self._at(22, 14.1, partial(sharing.gather, "On call", (ADMIN, DEVELOPER), OFFICE, OWNER))
        self._at(22, 14.4, partial(sharing.announce, MARKETING, MARKETER))
        why = "Books the conference"
        self._at(9, 11.2, partial(sharing.lend_one, "social/Mastodon", DEVELOPER, OWNER, timedelta(30), why))
        codes = "Recovery codes of ops@juniper.example\n\n4fzq-8k2m  93tn-x7wd  c1vh-5pgy\n"
        self._at(
            16, 15.1, partial(sharing.attach, "servers/cloud console", "recovery-codes.txt", codes, ADMIN)
        )
        self._ago(58, partial(sharing.protect, "finance/Bank portal", OWNER, 60))
        self._ago(21, partial(sharing.ask, MARKETING, DEVELOPER, "The newsletter's template is broken"))

    def _just_now(self) -> None:
        """Whenever the demo is started, somebody is at work."""
        team = self._team
        self._ago(170, partial(team.invite, INVITED, OWNER))
        for attempt in range(6):
            self._ago(33 - attempt / 4, lambda: team.guess(team.old_token, STRANGER))
        self._ago(48, partial(team.sign_in, ADMIN))
        self._ago(46, partial(team.open_one, ADMIN, "prod/db/orders primary"))
        self._ago(27, partial(team.sign_in, DEVELOPER))
        self._ago(25, partial(team.open_one, DEVELOPER, "prod/web/deploy key"))
        self._ago(12, partial(team.open_one, DEVELOPER, "servers/monitoring"))
        self._ago(4, partial(team.open_one, ADMIN, "servers/registrar"))
