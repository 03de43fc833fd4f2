"""The providers of single sign-on: which there are, and what each is trusted with.

Their variables carry the provider's name: to ``OIDC_PROVIDERS=work`` belong ``OIDC_WORK_ISSUER`` and so on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from config_reader import is_placeholder
from config_rules import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config_reader import Reader

PROVIDERS_MAX = 8
MIN_SECRET = 8
MAX_LABEL = 40
PARTS = (
    "ISSUER",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "LABEL",
    "SCOPES",
    "ORGANIZATION",
    "ALLOWED_DOMAINS",
    "DEFAULT_ROLE",
    "TRUST_MFA",
    "MFA_ACR",
    "EMAIL_IS_VERIFIED",
)
"""What comes behind ``OIDC_<NAME>_``."""
SPACE = "huggingface"
"""The provider that a Hugging Face Space brings along."""
RESERVED = frozenset({"code", "passkey"})
"""Words that stand in addresses of the sign-in page in the place of a provider's name."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")

Role = Literal["member", "auditor"]


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """One provider, as the operator has set it up; the names are those of the variables."""

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    organization: str | None
    allowed_domains: tuple[str, ...]
    default_role: Role
    trust_mfa: bool
    mfa_acr: tuple[str, ...]
    email_is_verified: bool

    def __str__(self) -> str:
        return self.name

    def shown(self) -> list[tuple[str, str]]:
        """List each variable of the provider with its value; of the secret only that it is set."""
        return [(variable(self.name, part), self._shown(part)) for part in PARTS]

    def _shown(self, part: str) -> str:
        value = getattr(self, part.lower())
        if part == "CLIENT_SECRET":
            return "set"
        if value is None or value == ():
            return "not set"
        if isinstance(value, bool):
            return str(value).lower()
        return (" " if part == "SCOPES" else ", ").join(value) if isinstance(value, tuple) else str(value)


def variable(name: str, part: str) -> str:
    """Return what the variable for *part* of the provider *name* is called."""
    return f"OIDC_{name.upper().replace('-', '_')}_{part}"


def read_client_secrets(reader: Reader, environ: Mapping[str, str]) -> dict[str, str]:
    """Return each provider's secret by the provider's name: present, and no placeholder."""
    return {name: _secret(reader, environ, name) for name in _names(reader, environ)}


def read_providers(
    reader: Reader, environ: Mapping[str, str], *, production: bool
) -> tuple[OidcProvider, ...]:
    """Return the providers in the order in which they are named."""
    names = _names(reader, environ)
    _refuse_unknown(reader, names)
    secrets = {name: _secret(reader, environ, name) for name in names}
    providers = tuple(
        _provider(reader, environ, name, secrets[name], production=production) for name in names
    )
    issuers: dict[str, str] = {}
    for provider in providers:
        other = issuers.setdefault(provider.issuer, provider.name)
        if other != provider.name and provider.issuer:
            reader.fault(
                variable(provider.name, "ISSUER"),
                f"is the same as {variable(other, 'ISSUER')}. One provider for an issuer is enough.",
            )
    return providers


def _names(reader: Reader, environ: Mapping[str, str]) -> tuple[str, ...]:
    named = [name for name in re.split(r"[\s,]+", reader.text("OIDC_PROVIDERS") or "") if name]
    good = [name for name in dict.fromkeys(named) if _NAME.fullmatch(name) and name not in RESERVED]
    if len(good) != len(named) or len(good) > PROVIDERS_MAX:
        reader.fault(
            "OIDC_PROVIDERS",
            f"must be at most {PROVIDERS_MAX} different names of small letters, digits and hyphens, "
            "divided by commas, such as google,work",
        )
    if _space_brings_one(environ) and SPACE not in good:
        good.append(SPACE)
        reader.sources.setdefault("OIDC_PROVIDERS", "hf_oauth")
    return tuple(good[: PROVIDERS_MAX + 1])


def _space_brings_one(environ: Mapping[str, str]) -> bool:
    wanted = ("SPACE_ID", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OPENID_PROVIDER_URL")
    return all(environ.get(name, "").strip() for name in wanted)


def _of_space(environ: Mapping[str, str], name: str, given: str) -> str | None:
    """Return what the platform gives, where *name* is the platform's provider."""
    return environ.get(given, "").strip() or None if name == SPACE and _space_brings_one(environ) else None


def _refuse_unknown(reader: Reader, names: tuple[str, ...]) -> None:
    """A variable that is read by nobody is a slip of the hand: better said than believed."""
    known = {variable(name, part) for name in names for part in PARTS}
    known |= {f"{variable(name, 'CLIENT_SECRET')}_FILE" for name in names}
    for found in reader.names("OIDC_"):
        if found in known or found == "OIDC_PROVIDERS":
            continue
        if any(found.startswith(variable(name, "")) for name in names):
            reader.fault(found, f"is no setting. Behind the provider's name can stand: {', '.join(PARTS)}.")


def _secret(reader: Reader, environ: Mapping[str, str], name: str) -> str:
    secret_name = variable(name, "CLIENT_SECRET")
    before = len(reader.faults)
    value = reader.secret(secret_name) or _of_space(environ, name, "OAUTH_CLIENT_SECRET")
    if value is None:
        if len(reader.faults) == before:
            reader.fault(secret_name, "is missing. The provider shows it where you register Chatelaine.")
        return ""
    if is_placeholder(value):
        reader.fault(secret_name, "is still a placeholder. The provider shows the real one.")
    elif len(value) < MIN_SECRET or not value.isascii() or not value.isprintable():
        reader.fault(
            secret_name, f"must be the provider's secret: {MIN_SECRET} or more printable characters."
        )
    return value


def _provider(
    reader: Reader, environ: Mapping[str, str], name: str, secret: str, *, production: bool
) -> OidcProvider:
    organization, domains = _whom_to_create(reader, name)
    return OidcProvider(
        name=name,
        label=_label(reader, name),
        issuer=_issuer(reader, environ, name, production=production),
        client_id=_client_id(reader, environ, name),
        client_secret=secret,
        scopes=_scopes(reader, environ, name),
        organization=organization,
        allowed_domains=domains,
        default_role=_role(reader, variable(name, "DEFAULT_ROLE")),
        trust_mfa=reader.boolean(variable(name, "TRUST_MFA"), default=True),
        mfa_acr=_words(reader, variable(name, "MFA_ACR")),
        email_is_verified=reader.boolean(variable(name, "EMAIL_IS_VERIFIED")),
    )


def _label(reader: Reader, name: str) -> str:
    label = reader.text(variable(name, "LABEL"))
    if label is not None and (len(label) > MAX_LABEL or not label.isprintable()):
        reader.fault(variable(name, "LABEL"), f"must fit on a button: {MAX_LABEL} characters at most.")
    return label or {SPACE: "Hugging Face"}.get(name, name.replace("-", " ").title())


def _issuer(reader: Reader, environ: Mapping[str, str], name: str, *, production: bool) -> str:
    text = reader.text(variable(name, "ISSUER")) or _of_space(environ, name, "OPENID_PROVIDER_URL")
    if text is None:
        reader.fault(
            variable(name, "ISSUER"), "is missing. It is an address, such as https://accounts.google.com"
        )
        return ""
    if not _is_issuer(text, production=production):
        reader.fault(
            variable(name, "ISSUER"),
            "must be the provider's https address without ? or #, such as https://accounts.google.com",
        )
    return text


def _is_issuer(text: str, *, production: bool) -> bool:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or "?" in text or "#" in text or re.search(r"[\s\\{}]", text):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host) and not production)


def _client_id(reader: Reader, environ: Mapping[str, str], name: str) -> str:
    text = reader.text(variable(name, "CLIENT_ID")) or _of_space(environ, name, "OAUTH_CLIENT_ID")
    if text is None or not (text.isascii() and text.isprintable()):
        sentence = "is missing. The provider shows it where you register Chatelaine."
        reader.fault(
            variable(name, "CLIENT_ID"), sentence if text is None else "must be printable characters."
        )
    return text or ""


def _scopes(reader: Reader, environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    scopes = tuple((reader.text(variable(name, "SCOPES")) or "").split())
    if not scopes:
        given = _of_space(environ, name, "OAUTH_SCOPES")
        return tuple((given or "openid email profile").split())
    if "openid" not in scopes or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        reader.fault(
            variable(name, "SCOPES"),
            "must be scopes divided by spaces, openid among them: openid email profile",
        )
    return scopes


def _whom_to_create(reader: Reader, name: str) -> tuple[str | None, tuple[str, ...]]:
    organization = reader.text(variable(name, "ORGANIZATION"))
    if organization is not None and not re.fullmatch(r"[a-z0-9-]{1,60}", organization):
        reader.fault(
            variable(name, "ORGANIZATION"), "must be an organization as addresses name it: /o/ and then this."
        )
    domains = tuple(domain.lower() for domain in _words(reader, variable(name, "ALLOWED_DOMAINS")))
    if not all(_DOMAIN.fullmatch(domain) for domain in domains):
        reader.fault(
            variable(name, "ALLOWED_DOMAINS"),
            "must be domains of e-mail addresses divided by commas, such as example.org",
        )
    elif domains and organization is None:
        reader.fault(
            variable(name, "ALLOWED_DOMAINS"),
            f"lets people in by themselves, so {variable(name, 'ORGANIZATION')} must say where to.",
        )
    return organization, domains


def _role(reader: Reader, name: str) -> Role:
    text = (reader.text(name) or "member").lower()
    if text not in {"member", "auditor"}:
        reader.fault(name, "must be member or auditor. Nobody becomes owner or admin by themselves.")
    return "auditor" if text == "auditor" else "member"


def _words(reader: Reader, name: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[\s,]+", reader.text(name) or "") if word)
