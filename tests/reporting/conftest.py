"""Documents that go the whole way: the site of the web's tests, and houses of a backend's own."""

from tests.web.conftest import make_house, make_site, renderer, site  # noqa: F401  fixtures
