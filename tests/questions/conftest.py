"""Documents whose senders are asked, on a house of real parts."""

from tests.cli.test_commands import surefield  # noqa: F401  a fixture
from tests.delivery.conftest import receive  # noqa: F401  a fixture
from tests.web.conftest import make_house, make_site, renderer  # noqa: F401  fixtures
