"""What reaches the application, and what is refused before it does."""

from __future__ import annotations

import select
import signal
import socket

import pytest

from tests.server.rude import read_reply

HOST = b"Host: vault\r\n"


def test_a_request_arrives_as_the_standard_says(server):
    seen = server.send(
        b"POST /a%20b/%C3%A9?q=%41+b HTTP/1.1\r\n"
        + HOST
        + b"Content-Type: text/plain\r\nContent-Length: 3\r\n"
        b"X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nCookie: a=1\r\nCookie: b=2\r\n\r\nabc"
    ).json

    assert seen["REQUEST_METHOD"] == "POST"
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/a b/é"
    assert seen["QUERY_STRING"] == "q=%41+b"
    assert seen["SCRIPT_NAME"] == ""
    assert (seen["CONTENT_TYPE"], seen["CONTENT_LENGTH"], seen["body"]) == ("text/plain", "3", "abc")
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("127.0.0.1", "http")
    assert (seen["SERVER_NAME"], seen["SERVER_PORT"]) == ("127.0.0.1", str(server.port))
    assert (seen["SERVER_PROTOCOL"], seen["HTTP_HOST"]) == ("HTTP/1.1", "vault")
    assert seen["HTTP_X_FORWARDED_FOR"] == "10.0.0.1,10.0.0.2"
    assert seen["HTTP_COOKIE"] == "a=1; b=2"
    assert "HTTP_CONTENT_TYPE" not in seen
    assert "HTTP_CONTENT_LENGTH" not in seen


def test_verbs_of_other_standards_pass(server):
    assert server.send(b"LIST / HTTP/1.1\r\n" + HOST + b"\r\n").json["REQUEST_METHOD"] == "LIST"


def test_a_header_with_an_underscore_never_arrives(server):
    seen = server.send(
        b"GET / HTTP/1.1\r\n"
        + HOST
        + b"X_Forwarded_For: 6.6.6.6\r\nX-Forwarded-For: 10.0.0.1\r\nX_Only: here\r\n\r\n"
    ).json

    assert seen["HTTP_X_FORWARDED_FOR"] == "10.0.0.1"
    assert "HTTP_X_ONLY" not in seen


def test_the_answer_keeps_repeated_headers_and_names_no_server(server):
    reply = server.get("/")

    assert [value for name, value in reply.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert [value for name, value in reply.headers if name == "server"] == [""]


@pytest.mark.parametrize("path", ["/fail", "/"])
def test_no_answer_says_what_serves(server, path):
    assert not [item for item in server.get(path).headers if "granian" in str(item)]


def test_a_head_request_has_the_length_and_no_body(server):
    reply = server.send(b"HEAD / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")

    assert (reply.status, reply.body) == (200, b"")


def test_an_application_that_begins_late_or_writes_is_heard(server):
    assert (server.get("/lazy").status, server.get("/lazy").body) == (202, b"lazy")
    assert server.get("/write").json["PATH_INFO"] == "/write"


def test_an_application_that_fails_gives_a_plain_500(server):
    reply = server.get("/fail")

    assert reply.status == 500
    assert b"on purpose" not in reply.body


def test_a_connection_serves_one_request_after_another(server):
    with server.connect() as connection:
        for path in (b"/one", b"/two"):
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
            assert read_reply(connection).json["PATH_INFO"] == path.decode()


POST, TE, CL = b"POST / HTTP/1.1\r\n" + HOST, b"Transfer-Encoding: ", b"Content-Length: "
CHUNKS = b"\r\n3\r\nabc\r\n0\r\n\r\n"
REFUSED = {
    "length and chunks": POST + CL + b"3\r\n" + TE + b"chunked\r\n" + CHUNKS,
    "chunks and length": POST + TE + b"chunked\r\n" + CL + b"3\r\n" + CHUNKS,
    "chunks": POST + TE + b"chunked\r\n" + CHUNKS,
    "chunks and another coding": POST + TE + b"chunked\r\n" + TE + b"identity\r\n" + CHUNKS,
    "chunks behind another coding": POST + TE + b"identity, chunked\r\n" + CHUNKS,
    "unknown coding": POST + TE + b"xchunked\r\n" + CHUNKS,
    "old version with chunks": b"POST / HTTP/1.0\r\n" + HOST + TE + b"chunked\r\n" + CHUNKS,
    "two lengths": POST + CL + b"3\r\n" + CL + b"4\r\n\r\nabcd",
    "list of lengths": POST + CL + b"3, 3\r\n\r\nabc",
    "signed length": POST + CL + b"+3\r\n\r\nabc",
    "negative length": POST + CL + b"-3\r\n\r\nabc",
    "length in hexadecimal": POST + CL + b"0x3\r\n\r\nabc",
    "two hosts": b"GET / HTTP/1.1\r\n" + HOST + b"Host: other\r\n\r\n",
    "the same host twice": b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "no host in the old version": b"GET / HTTP/1.0\r\n\r\n",
    "another host in the address": b"GET http://other/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "tunnel": b"CONNECT vault:443 HTTP/1.1\r\nHost: vault:443\r\n\r\n",
    "no path": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : vault\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\n" + HOST + b" X: folded\r\n\r\n",
    "zero byte": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "raw bytes in the address": b"GET /\xe9 HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=REFUSED)
def test_what_two_parsers_could_read_differently_is_refused_and_the_connection_ends(server, request_bytes):
    reply = server.send(request_bytes)

    assert reply.status == 400
    assert reply.closed


def test_nothing_behind_a_refused_request_is_read_as_another(server):
    with server.connect() as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        everything = b""
        while piece := connection.recv(65536):
            everything += piece

    assert everything.count(b"HTTP/1.1 ") == 1
    assert everything.startswith(b"HTTP/1.1 400")


def test_an_address_with_its_own_host_is_taken_when_both_agree(server):
    assert server.send(b"GET http://vault/x HTTP/1.1\r\n" + HOST + b"\r\n").json["PATH_INFO"] == "/x"


def test_an_offer_to_change_the_protocol_is_not_taken_up(server):
    seen = server.send(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")

    assert seen.status == 200


def test_a_body_at_the_cap_is_taken_and_one_byte_more_is_not(server):
    def post(length, sent):
        return server.send(
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % length + b"x" * sent
        )

    assert len(post(1000, 1000).json["body"]) == 1000
    # The answer comes at once, though nothing of the body was sent.
    refused = post(1001, 0)
    assert (refused.status, refused.closed) == (413, True)
    assert post(10**18, 0).status == 413


def test_too_many_or_too_long_headers_are_refused(server):
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(200))

    assert server.send(b"GET / HTTP/1.1\r\n" + HOST + many + b"\r\n").status == 431
    long = b"X: " + b"a" * 200_000 + b"\r\n\r\n"
    assert server.send(b"GET / HTTP/1.1\r\n" + HOST + long).status == 431


def test_a_body_that_drips_is_given_up_with_408(server):
    with server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nabc")
        reply = read_reply(connection)

    assert (reply.status, reply.closed) == (408, True)


def test_half_a_body_never_reaches_the_application(start):
    server = start()
    with server.connect() as connection:
        connection.sendall(b"POST /wait HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nabc")
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1000)

    assert b" 200 " not in answer
    _, out, _ = server.stop()
    assert "waiting" not in out


def test_dripping_bodies_stop_nobody_else(server, connections):
    drippers = connections(server, 50)
    for dripper in drippers:
        dripper.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nabc")
    # Two threads serve: if the fifty held one each, these would have to wait for all their deadlines.
    assert [server.get("/").status for _ in range(10)] == [200] * 10
    assert not select.select(drippers, [], [], 0)[0]
    assert {read_reply(dripper).status for dripper in drippers} == {408}


def test_bodies_that_together_are_too_much_are_turned_away(server, connections):
    drippers = connections(server, 6)
    for dripper in drippers:
        dripper.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n" + b"x" * 999)
    replies = [read_reply(dripper) for dripper in drippers]

    assert {reply.status for reply in replies} == {408, 503}
    assert {reply.header("retry-after") for reply in replies if reply.status == 503} == {"1"}
    assert server.get("/").status == 200


def test_when_too_many_wait_the_next_are_told_to_come_back(start, connections):
    server = start()
    everyone = connections(server, 8)
    for connection in everyone:
        connection.sendall(b"GET /wait HTTP/1.1\r\n" + HOST + b"\r\n")
    # Two are at work and two may wait for them; the other four have their answer at once.
    turned_away = []
    while len(turned_away) < 4:
        turned_away += select.select([one for one in everyone if one not in turned_away], [], [], 10)[0]
    replies = [read_reply(connection) for connection in turned_away]
    server.process.send_signal(signal.SIGUSR1)
    served = [read_reply(connection) for connection in everyone if connection not in turned_away]

    assert [reply.status for reply in replies] == [503] * 4
    assert {reply.header("retry-after") for reply in replies} == {"1"}
    assert [reply.status for reply in served] == [200] * 4


def test_a_stream_arrives_whole_and_is_closed(start):
    server = start()
    reply = server.get("/stream?200")

    assert reply.header("transfer-encoding") == "chunked"
    assert reply.body.count(b"x") == 2_000_000
    assert server.line() == "stream closed after 200"


def test_a_stream_that_fails_says_that_it_is_not_complete(start):
    server = start()
    reply = server.get("/stream?-20")

    assert b"not complete" in reply.body
    assert server.line() == "stream closed after 20"


def test_a_stream_ends_when_its_reader_leaves(start):
    server = start()
    with server.connect() as connection:
        connection.sendall(b"GET /stream?1000000 HTTP/1.1\r\n" + HOST + b"\r\n")
        connection.recv(1000)

    assert int(server.line().removeprefix("stream closed after ")) < 1_000_000
