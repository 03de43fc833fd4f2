"""The line to providers: certificates are checked, time is short over TLS as well, no proxy is asked."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from errors import ProviderFailed
from services.provider_requests import Line

SHORT = 0.3


DRIPS = 1000


class Handler(BaseHTTPRequestHandler):
    """Answers at once, or byte by byte; counts the bytes until nobody takes them any more."""

    sent = 0

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2" if self.path == "/" else str(DRIPS))
        self.end_headers()
        if self.path == "/":
            self.wfile.write(b"{}")
            return
        over = threading.Event()
        try:
            for number in range(DRIPS):
                Handler.sent = number + 1
                self.wfile.write(b" ")
                over.wait(0.02)
        except OSError:
            return

    def log_message(self, *_):
        """Say nothing."""


def certificate(folder, *, days=1):
    """Make a certificate for 127.0.0.1 that signs itself; return the file that holds it with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "provider")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    held = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + held)
    return file


@pytest.fixture
def serve():
    """Start a server with TLS; return its port."""
    servers = []

    def start(file):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return server.server_port

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def silent_server():
    """Takes connections, and sends a byte of what could become a TLS record now and then."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def drip():
        taken, _ = listening.accept()
        with taken, suppress(OSError):
            taken.sendall(b"\x16\x03\x03\x40\x00\x02")
            while not over.wait(0.02):
                taken.sendall(b"\0")

    thread = threading.Thread(target=drip)
    thread.start()
    yield listening.getsockname()[1]
    over.set()
    thread.join()
    listening.close()


def fails(url, reason):
    with pytest.raises(ProviderFailed) as caught:
        Line(SHORT).get(url)
    assert (caught.value.reason, caught.value.down) == (reason, True)


def test_a_certificate_that_nobody_known_has_signed_is_refused(serve, tmp_path):
    fails(f"https://127.0.0.1:{serve(certificate(tmp_path))}/", "unreachable")


def test_one_that_the_operator_trusts_is_taken(serve, tmp_path, monkeypatch):
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    port = serve(file)
    assert Line().get(f"https://127.0.0.1:{port}/").json() == {}
    fails(f"https://localhost:{port}/", "unreachable")


def test_one_that_has_ended_is_refused(serve, tmp_path, monkeypatch):
    file = certificate(tmp_path, days=-1)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    fails(f"https://127.0.0.1:{serve(file)}/", "unreachable")


def test_time_is_short_over_tls_as_well(serve, tmp_path, monkeypatch):
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    fails(f"https://127.0.0.1:{serve(file)}/slowly", "slow")
    assert Handler.sent < DRIPS


def test_time_is_short_for_the_handshake(silent_server):
    """Somebody who takes the connection and says nothing of TLS, byte by byte."""
    fails(f"https://127.0.0.1:{silent_server}/", "slow")


def test_no_proxy_of_the_environment_is_asked(provider, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert Line().get(f"{provider.issuer}/.well-known/openid-configuration").status_code == 200
