"""The settings of the web process, beside all others."""

from datetime import timedelta

from pydantic import Field

from worker.settings import Settings


class WebSettings(Settings):
    """Read from ``SUREFIELD_*`` environment variables."""

    web_host: str = Field(
        "127.0.0.1", description="Address that the web listens on; `0.0.0.0` for every network."
    )
    web_port: int = Field(8321, ge=1, le=65535, description="Port that the web listens on.")
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s]+$",
        description="How people reach the web, such as `https://review.example.org`.",
    )
    trusted_proxies: str = Field(
        "", description="Addresses of proxies whose `X-Forwarded-For` is believed, with commas."
    )
    stays_signed_in: timedelta = Field(
        timedelta(hours=12), description="Time after which a browser must sign in again."
    )
    review_lease: timedelta = Field(
        timedelta(minutes=2),
        description="Time until a field that a silent reviewer holds goes to others.",
    )

    @property
    def web_url(self) -> str:
        """How people reach the web, default applied."""
        host = "127.0.0.1" if self.web_host == "0.0.0.0" else self.web_host
        return self.public_url or f"http://{host}:{self.web_port}"
