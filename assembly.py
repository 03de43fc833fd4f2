"""What the settings come to: keys, rules, providers, the parts that the application is made of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from config import Settings
from crypto.keyring import MasterKeys
from crypto.passkey_answers import Site
from errors import KeysMissing
from policy import Role
from services.checkpoints import file_sink, standard_output_sink
from services.provider_client import ProviderClient, Providers
from services.providers import Provider
from services.rules import AttachmentRules, Rules
from services.virus_scan import Scanner


def master_keys(settings: Settings) -> MasterKeys:
    """Return the keys under which every other key lies.

    Raises:
        KeysMissing: they are malformed.
    """
    try:
        return MasterKeys.parse(settings.encryption_keys)
    except ValueError as error:
        message = f"ENCRYPTION_KEYS: {error}"
        raise KeysMissing(message) from None


def rules(settings: Settings) -> Rules:
    """Return what the use cases go by."""
    return Rules(
        session_idle=timedelta(minutes=settings.session_idle_minutes),
        session_lasts=timedelta(hours=settings.session_hours),
        fresh_for=timedelta(minutes=settings.step_up_minutes),
        lockout_failures=settings.lockout_failures,
        lockout_lasts=timedelta(minutes=settings.lockout_minutes),
        trash_kept=timedelta(days=settings.trash_days),
        attachments=_attachments(settings),
        second_factor=settings.require_2fa,
        passkeys=_passkeys(settings),
    )


def providers(settings: Settings) -> Providers:
    """Return the OpenID providers that people may come in by."""
    return Providers(
        ProviderClient(
            Provider(
                name=each.name,
                label=each.label,
                issuer=each.issuer,
                client_id=each.client_id,
                client_secret=each.client_secret,
                scopes=each.scopes,
                organization=each.organization,
                domains=frozenset(each.allowed_domains),
                role=Role(each.default_role),
                trusts_mfa=each.trust_mfa,
                levels=each.mfa_acr,
                email_is_verified=each.email_is_verified,
            )
        )
        for each in settings.oidc_providers
    )


def sink(settings: Settings) -> Callable[[str], None] | None:
    """Return where signed states of the audit log are written as well; None: nowhere."""
    if settings.audit_sink is None:
        return None
    return standard_output_sink if settings.audit_sink == "stdout" else file_sink(Path(settings.audit_sink))


def _attachments(settings: Settings) -> AttachmentRules:
    daemon, mandatory = settings.clamd, settings.clamd_missing == "refuse"
    scanner = Scanner(daemon.host, daemon.port, mandatory=mandatory) if daemon else None
    return AttachmentRules(settings.attachment_max_mib * 2**20, settings.attachments_per_item, scanner)


def _passkeys(settings: Settings) -> Site | None:
    place = settings.passkey_place
    return Site(place[0], (place[1],)) if place else None
