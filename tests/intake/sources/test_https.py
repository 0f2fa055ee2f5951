"""A source by URL is fetched from where it was allowed to lie, whole, or not at all."""

import socket
import threading
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from extractors.errors import UnreadableFile
from tests.intake.sources.conftest import taken
from tests.pipeline.conftest import a_pdf
from worker.intake.errors import SourceNotAllowed, SourceUnavailable, TooLarge
from worker.intake.sources import https

HERE = (ip_network("127.0.0.0/8"),)
PDF = a_pdf("from afar")
MB = 1 << 20


@pytest.fixture
def house_at(make_house):
    """A house that may fetch beneath these roots, from this machine too."""
    made = make_house()

    def at(*roots: str, **changes):
        changes = {"source_roots": {"*": roots}, "source_networks": HERE, **changes}
        return replace(made, rt=replace(made.rt, **changes))

    return at


def blobs(house) -> list[Path]:
    return [one for one in Path(house.rt.blobs.url).rglob("*") if one.is_file()]


def test_a_file_at_an_allowed_place_is_taken(house_at, serve) -> None:
    """Its name is the last step; what stands behind the question mark is a secret and no name."""
    top = serve({"/out/Rechnung%2012.pdf?token=abc": (200, {}, PDF)})
    house = house_at(f"{top}/out")
    assert taken(house, f"{top}/out/Rechnung%2012.pdf?token=abc") == PDF
    (row,) = house.rows("SELECT filename FROM submissions")
    assert row.filename == "Rechnung 12.pdf"


def test_another_upstreams_place_is_refused(house_at, serve) -> None:
    top = serve({"/a/x.pdf": (200, {}, PDF)})
    house = house_at(source_roots={"acme": (f"{top}/a",)})
    assert taken(house, f"{top}/a/x.pdf", upstream="acme") == PDF
    with pytest.raises(SourceNotAllowed):
        taken(house, f"{top}/a/x.pdf", upstream="other")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"],
)
def test_a_name_that_leads_into_a_private_network_is_refused(house_at, address: str) -> None:
    """Whatever the roots say of the name."""
    house = house_at("https://files.example.org/", source_networks=())
    with (
        pytest.raises(SourceNotAllowed, match="SUREFIELD_SOURCE_NETWORKS"),
        https.opened(
            "https://files.example.org/a.pdf",
            ["https://files.example.org/"],
            house.rt,
            ask=lambda *_: [address],
        ),
    ):
        pass


def test_the_address_that_was_checked_is_the_one_that_is_asked(house_at, serve) -> None:
    """A name that says another one a moment later leads nowhere else."""
    top = serve({"/a.pdf": (200, {}, PDF)})
    port = top.rpartition(":")[2]
    asked = []

    def rebinding(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    url = f"http://files.example:{port}/a.pdf"
    with https.opened(url, [url], house_at(url).rt, ask=rebinding) as file:
        file.seek(0)
        assert file.read() == PDF
    assert asked == ["files.example"]


def test_a_redirect_within_the_allowed_place_is_followed(house_at, serve) -> None:
    """By a whole URL and by a path."""
    top = serve(
        {
            "/a/1": (302, {"location": "{top}/a/2"}, b""),
            "/a/2": (307, {"location": "/a/x.pdf"}, b""),
            "/a/x.pdf": (200, {}, PDF),
        }
    )
    assert taken(house_at(f"{top}/a"), f"{top}/a/1") == PDF


@pytest.mark.parametrize(
    "location",
    ["{top}/b/x.pdf", "/a/../b/x.pdf", "http://169.254.169.254/", "file:///etc/passwd", "s3://b/x"],
)
def test_a_redirect_that_leaves_the_allowed_place_is_refused(house_at, serve, location) -> None:
    """Nothing is stored of it."""
    top = serve({"/a/x": (302, {"location": location}, b""), "/b/x.pdf": (200, {}, PDF)})
    house = house_at(f"{top}/a")
    with pytest.raises(SourceNotAllowed):
        taken(house, f"{top}/a/x")
    assert blobs(house) == []


def test_a_redirect_into_a_private_network_is_refused_though_its_place_is_allowed(
    house_at, serve
) -> None:
    """Each step is checked, not the first alone."""
    top = serve({"/x": (302, {"location": "http://[::1]:1/x"}, b"")})
    house = house_at(top, "http://[::1]:1/")
    with pytest.raises(SourceNotAllowed, match="SUREFIELD_SOURCE_NETWORKS"):
        taken(house, f"{top}/x")


def test_a_circle_of_redirects_ends(house_at, serve) -> None:
    top = serve({"/x": (302, {"location": "/x"}, b"")})
    with pytest.raises(UnreadableFile, match="leads on"):
        taken(house_at(top), f"{top}/x")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, UnreadableFile) for status in (204, 206, 304, 400, 401, 403, 404, 410)),
        *((status, SourceUnavailable) for status in (408, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_a_server_that_has_it_not_is_told_apart_from_one_that_is_busy(
    house_at, serve, status: int, error: type[Exception]
) -> None:
    """The one is the sender's to mend, and the other passes."""
    top = serve({"/x": (status, {}, b"")})
    with pytest.raises(error, match="answers" if status != 304 else None):
        taken(house_at(top), f"{top}/x")


def test_a_file_that_is_too_large_is_refused(house_at, serve) -> None:
    """By one byte."""
    top = serve({"/x": (200, {}, b"%PDF" + b"x" * 997), "/y": (200, {}, b"%PDF" + b"y" * 996)})
    house = house_at(top, max_bytes=1_000)
    with pytest.raises(TooLarge, match="SUREFIELD_MAX_BYTES"):
        taken(house, f"{top}/x")
    assert len(taken(house, f"{top}/y")) == 1_000


def test_what_never_ends_is_not_fetched_to_its_end(house_at) -> None:
    """Much more than is taken is never here."""
    sent = 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        top = f"http://127.0.0.1:{server.getsockname()[1]}"

        def pour() -> None:
            nonlocal sent
            one, _ = server.accept()
            with one:
                one.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                try:
                    while sent < 200 * MB:
                        one.sendall(b"x" * MB)
                        sent += MB
                except OSError:
                    return

        thread = threading.Thread(target=pour)
        thread.start()
        with pytest.raises(TooLarge):
            taken(house_at(top, max_bytes=1_000), f"{top}/x")
        thread.join()
    assert sent < 50 * MB  # the line itself holds a few


def test_an_answer_that_ends_too_early_is_no_file(house_at, serve) -> None:
    top = serve({"/x": (200, {"content-length": "9999"}, PDF)})
    house = house_at(top, source_timeout=timedelta(seconds=1))
    with pytest.raises(SourceUnavailable):
        taken(house, f"{top}/x")
    assert blobs(house) == []


def test_a_server_that_is_away_or_drips_is_given_up(house_at) -> None:
    """However often a byte comes in."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        top = f"http://127.0.0.1:{server.getsockname()[1]}"

        def drip() -> None:
            one, _ = server.accept()
            with one:
                one.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
                while not stop.wait(0.05):
                    try:
                        one.sendall(b"%")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        house = house_at(top, source_timeout=timedelta(seconds=0.5))
        with pytest.raises(SourceUnavailable, match=r"0\.5 s"):
            taken(house, f"{top}/x")
        stop.set()
        thread.join()
    with pytest.raises(SourceUnavailable):
        taken(house, f"{top}/x")


@pytest.mark.parametrize("source", ["ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://x/"])
def test_other_kinds_of_urls_are_refused(house_at, source: str) -> None:
    with pytest.raises(SourceNotAllowed, match="https"):
        taken(house_at("/"), source)
