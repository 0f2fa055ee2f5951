"""A house whose documents are accepted, and whose rows are all drawn."""

from tests.web.conftest import make_house, make_site, renderer, site  # noqa: F401  fixtures
