"""A source lies beneath a root of its upstream, step by step, or nowhere."""

import pytest

from worker.intake.errors import SourceNotAllowed
from worker.intake.sources.roots import check_beneath, roots_of, wrong_root

ROOT = "https://files.example.org/out/"
STORE = "s3://bucket/in"
SCHEMES = ("https", "http", "s3")


@pytest.mark.parametrize(
    ("root", "source"),
    [
        (ROOT, "https://files.example.org/out/a.pdf"),
        (ROOT, "https://files.example.org/out/a/b.pdf?token=%2e%2e%2f"),
        (ROOT, "HTTPS://FILES.example.org:443/out/a.pdf"),
        (ROOT.rstrip("/"), "https://files.example.org/out"),
        ("https://files.example.org", "https://files.example.org/any.pdf"),
        ("http://10.1.2.3:8080/a", "http://10.1.2.3:8080/a/b"),
        (STORE, "s3://bucket/in/a.pdf"),
        (STORE, "s3://bucket/in/what?#.pdf"),
        (STORE, "s3://bucket/in/with a blank.pdf"),
        ("s3://bucket", "s3://bucket/in/a.pdf"),
    ],
)
def test_what_lies_in_a_root_is_beneath_it(root: str, source: str) -> None:
    check_beneath(source, ["/a/folder", root])


@pytest.mark.parametrize(
    ("root", "source"),
    [
        (ROOT, "https://files.example.org/out-evil/a.pdf"),
        (ROOT, "https://files.example.org/a.pdf"),
        (ROOT, "https://files.example.org/OUT/a.pdf"),
        (ROOT, "https://files.example.org/out/../a.pdf"),
        (ROOT, "https://files.example.org/out/%2e%2e/a.pdf"),
        (ROOT, "https://files.example.org/out/..%2Fa.pdf"),
        (ROOT, "https://files.example.org/out/..\\a.pdf"),
        (ROOT, "https://files.example.org//out/a.pdf"),
        (ROOT, "https://files.example.org:8443/out/a.pdf"),
        (ROOT, "http://files.example.org/out/a.pdf"),
        (ROOT, "https://files.example.org.evil.example/out/a.pdf"),
        (ROOT, "https://files.example.org@evil.example/out/a.pdf"),
        (ROOT, "https://user:secret@files.example.org/out/a.pdf"),
        (ROOT, "https:///out/a.pdf"),
        (ROOT, "https://files.example.org:x/out/a.pdf"),
        (ROOT, "https://files.exa\tmple.org/out/a.pdf"),
        (STORE, "s3://bucket/inner/a.pdf"),
        (STORE, "s3://bucket-evil/in/a.pdf"),
        (STORE, "s3://bucket/in/../a.pdf"),
        (STORE, "s3://bucket?/in/a.pdf"),
        (STORE, "gs://bucket/in/a.pdf"),
        *((STORE, f"s3://bucket/in/a{sign}.pdf") for sign in "\0\t\n\x1f\x7f"),
        (STORE, "s3:///in/a.pdf"),
        (STORE, "s3://bucket/in/a.pdf::file:///etc/passwd"),
        (STORE, "s3://bucket/in/a?::file:///etc/passwd"),
        ("/srv", "https://srv/a.pdf"),
    ],
)
def test_what_only_looks_as_if_it_lay_there_is_refused(root: str, source: str) -> None:
    with pytest.raises(SourceNotAllowed):
        check_beneath(source, [root])


def test_an_upstream_has_its_own_roots_and_those_of_everybody() -> None:
    """Whatever it calls itself."""
    roots = {"*": ("/all",), "acme": ("/acme",), "other": ("/other",)}
    assert roots_of(roots, "acme") == ("/acme", "/all")
    assert roots_of(roots, "nobody") == ("/all",)
    assert roots_of(roots, "*") == ("/all",)
    assert roots_of({"other": ("/other",)}, "acme") == ()


@pytest.mark.parametrize("root", ["/srv/in", "in", ROOT, STORE, "http://10.1.2.3:80/x"])
def test_a_root_is_a_folder_or_a_plain_url(root: str) -> None:
    assert wrong_root(root, SCHEMES) is None


@pytest.mark.parametrize(
    ("root", "says"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("ftp://example.org/", "https, s3"),
        ("https://", "plain URL"),
        ("https://me@example.org/", "plain URL"),
        ("https://example.org/a?b=c", "plain URL"),
        ("https://example.org/a/../b", "plain URL"),
    ],
)
def test_what_can_be_no_root_says_why(root: str, says: str) -> None:
    assert says in (wrong_root(root, SCHEMES) or "")
