"""The site of the web's tests: its documents are read by a backend that doubts."""

from tests.web.conftest import make_house, make_site, renderer, site  # noqa: F401  fixtures
