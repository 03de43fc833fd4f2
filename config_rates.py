"""How often people, programs and strangers may do what: one setting for each limit on requests."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from config_reader import Reader

_FORM = re.compile(r"([1-9][0-9]{0,6}) ?/ ?(second|minute|hour|day)")
_ADVICE = "must be a number and a time, such as 60/minute; second, minute, hour or day."


@dataclass(frozen=True)
class Rates:
    """The limits, each with its default. Whoever is over one is told when to come back."""

    rate_all: str = "600/minute"
    rate_sign_in: str = "10/minute"
    rate_single_sign_on: str = "10/minute"
    rate_second_factor: str = "10/minute"
    rate_link: str = "5/hour"
    rate_recovery_codes: str = "5/hour"
    rate_factors_reset: str = "3/hour"
    rate_profile: str = "20/hour"
    rate_people: str = "60/hour"
    rate_organization: str = "20/hour"
    rate_key_proof: str = "10/minute"
    rate_reveal: str = "60/minute"
    rate_ask: str = "20/hour"
    rate_generator: str = "240/minute"
    rate_upload: str = "30/minute"
    rate_import: str = "20/minute"
    rate_export: str = "3/hour"
    rate_audit_export: str = "10/hour"
    rate_leaver_list: str = "10/hour"
    rate_token: str = "5/hour"  # noqa: S105 - a number of them
    rate_token_list: str = "20/hour"  # noqa: S105 - a number of them
    rate_api: str = "600/minute"
    rate_api_audit: str = "60/hour"
    rate_strangers: str = "60/minute"
    rate_kv: str = "6000/minute"
    rate_vault_token: str = "600/minute"  # noqa: S105 - a number of them
    rate_approle: str = "300/minute"
    rate_unwrap: str = "300/minute"
    rate_health: str = "120/minute"
    rate_csp_report: str = "30/minute"

    def rates(self) -> dict[str, str]:
        """Return every limit by the name of its setting."""
        return {item.name.upper(): getattr(self, item.name) for item in fields(Rates)}


def read_rates(reader: Reader) -> dict[str, Any]:
    """Return what is set, as ``Rates`` takes it."""
    return {
        item.name: reader.checked(item.name.upper(), _rate, _ADVICE) or str(item.default)
        for item in fields(Rates)
    }


def _rate(text: str) -> str | None:
    found = _FORM.fullmatch(text.lower())
    return f"{found[1]}/{found[2]}" if found else None
