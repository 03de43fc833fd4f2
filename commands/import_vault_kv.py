"""`./chatelaine import vault-kv`: move the secrets of another vault in, through its own API."""

from __future__ import annotations

import sys
from typing import Any

import click

from commands.importing import Into, into_options, take_in
from importers.vault_kv import FORMAT, read_mount
from services.kv_server import KvServer


@click.command(name="import vault-kv")
@click.argument("address")
@click.argument("mount")
@click.option("--path", default="", help="Only what lies in this folder of the mount.")
@click.option("--namespace", default="", help="Of which namespace, where the server has some.")
@into_options
def import_vault_kv(address: str, mount: str, path: str, namespace: str, **into: Any) -> None:
    """Store every secret of a KV engine, version 1 or 2, of HashiCorp Vault or OpenBao.

    ADDRESS is like https://vault.example.com:8200, MOUNT like secret. The token is read from standard
    input; it needs to list and read, and nothing else. Of each secret the newest version is taken. A
    certificate that is not trusted stops it; for an authority of your own, set SSL_CERT_FILE.
    """
    server = KvServer(address, _token(), namespace)
    take_in(read_mount(server, mount, path), FORMAT.key, f"{mount}/{path}".rstrip("/"), Into(**into))


def _token() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Token", hide_input=True, err=True))
    return sys.stdin.readline().strip()
