"""What every answer says to the browser."""

from collections.abc import Mapping

# No inline script or style, nothing from elsewhere, no frame around us, no form to elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src"
    " 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
A_YEAR = 31_536_000


def headers(*, https: bool) -> Mapping[str, str]:
    """The headers of every answer, errors included.

    https: the site is reached by it, and by nothing else from now on
    """
    secure = {"strict-transport-security": f"max-age={A_YEAR}"} if https else {}
    return {**ALWAYS, **secure}
