"""What is connected to, whatever the name says a moment later."""

import socket
import ssl
import threading
import time
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.delivery.conftest import HERE
from worker.delivery.sending import send
from worker.egress.addresses import AddressRefused, InvalidAddress, Target, open_address, target_of

PUBLIC = "93.184.215.14"
# a key and a certificate for the name localhost, made for these tests alone
CERTIFICATE = Path(__file__).with_name("localhost.pem")
NOT_OF_THE_INTERNET = [
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.3.4",
    "192.168.1.1",
    "169.254.169.254",  # where clouds keep their secrets
    "100.64.0.1",
    "0.0.0.0",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
]


def target(host: str = "example.org", *, secure: bool = True) -> Target:
    return Target(secure=secure, host=host, port=443 if secure else 80, path="/")


@pytest.mark.parametrize("address", NOT_OF_THE_INTERNET)
def test_nothing_is_sent_into_private_networks(address: str) -> None:
    """By whatever name."""
    with pytest.raises(AddressRefused, match="X_NETWORKS"):
        open_address(target(), (), setting="X_NETWORKS", ask=lambda *_: [address])


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", f"::ffff:{PUBLIC}"])
def test_the_internet_is_open_by_https(address: str) -> None:
    """And not without TLS."""
    assert open_address(target(), (), setting="X_NETWORKS", ask=lambda *_: [address]) == address
    with pytest.raises(AddressRefused):
        open_address(target(secure=False), (), setting="X", ask=lambda *_: [address])


@pytest.mark.parametrize(
    ("address", "opens"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("10.2.0.1", False), ("fd00::1", False)],
)
def test_a_network_that_the_setting_names_is_open_without_tls(address: str, opens: bool) -> None:
    """And no other."""
    allowed = (ip_network("10.1.0.0/16"),)
    if opens:
        assert (
            open_address(target(secure=False), allowed, setting="X", ask=lambda *_: [address])
            == address
        )
    else:
        with pytest.raises(AddressRefused):
            open_address(target(secure=False), allowed, setting="X", ask=lambda *_: [address])


def test_of_several_addresses_an_open_one_is_taken() -> None:
    """The first."""
    assert (
        open_address(target(), (), setting="X_NETWORKS", ask=lambda *_: ["10.0.0.1", PUBLIC])
        == PUBLIC
    )


def test_a_name_that_changes_its_mind_leads_nowhere_else() -> None:
    """It is asked once, and what it said then is connected to."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        heard: list[bytes] = []

        def answer() -> None:
            one, _ = server.accept()
            with one:
                heard.append(one.recv(4096))
                one.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        said = send(f"http://name.example:{port}/x", b"{}", {}, allowed=HERE, ask=rebinding)
        thread.join()
    assert said.status == 200
    assert asked == ["name.example"]
    assert f"Host: name.example:{port}".encode() in heard[0]


HANDSHAKE = bytes((22, 3, 3, 64, 0))  # of TLS: sixteen kilobytes are to follow


@pytest.mark.parametrize(
    ("scheme", "first", "drip"),
    [("http", b"", b""), ("http", b"", b"H"), ("https", b"", b""), ("https", HANDSHAKE, b"\0")],
)
def test_a_receiver_that_answers_slowly_or_never_is_hung_up_on(
    scheme: str, first: bytes, drip: bytes
) -> None:
    """However often a byte comes in, also before TLS is agreed."""
    stop = threading.Event()
    watch = threading.Timer(8, stop.set)  # a sender that waits for ever fails, and hangs nothing
    watch.start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            one, _ = server.accept()
            with one:
                one.sendall(first)
                while not stop.wait(0.1):
                    try:
                        one.sendall(drip)
                    except OSError:
                        return

        thread = threading.Thread(target=answer)
        thread.start()
        began = time.monotonic()
        said = send(f"{scheme}://127.0.0.1:{port}/", b"{}", {}, allowed=HERE, whole_s=0.7)
        stop.set()
        watch.cancel()
        thread.join()
    assert said.error is not None
    assert "no answer within 0.7 s" in said.error
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("host", "trusted", "status"),
    [("localhost", True, 204), ("localhost", False, None), ("127.0.0.1", True, None)],
)
def test_tls_proves_the_name_of_whoever_is_told(
    monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool, status: int | None
) -> None:
    """By a certificate for that name, from somebody whom this machine trusts."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    else:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            plain, _ = server.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as one:
                    while said := one.recv(4096):  # what is left unread resets the line
                        heard.append(said)
                        if said.endswith(b"{}"):
                            one.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                            break
            except OSError:  # whoever sends does not like the certificate
                plain.close()

        thread = threading.Thread(target=answer)
        thread.start()
        said = send(
            f"https://{host}:{port}/x", b"{}", {}, allowed=HERE, ask=lambda *_: ["127.0.0.1"]
        )
        thread.join()
    assert said.status == status
    assert bool(heard) == (status is not None)
    assert status is not None or "certificate" in (said.error or "").lower()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@example.org/",
        "https://example.org:0x50/",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "https://example.org/ä",
        "https://exa\x00mple.org/",
        "https://exa\tmple.org/",
        "https://example.org/" + "x" * 2_000,
    ],
)
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    """With one that would do."""
    with pytest.raises(InvalidAddress):
        target_of(url)


def test_an_address_keeps_its_query_and_its_port() -> None:
    """And a name beyond ASCII is asked for as the DNS knows it."""
    found = target_of("https://bücher.example:8443/a/b?c=d#e")
    assert (found.host, found.port, found.path) == ("xn--bcher-kva.example", 8443, "/a/b?c=d")
