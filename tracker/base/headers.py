"""What every answer says to the browser, and which requests are not listened to at all."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from werkzeug.middleware.proxy_fix import ProxyFix

#: Nothing inline, nothing from elsewhere; `data:` only for the pictures style sheets carry in themselves.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

#: A view may say otherwise (a download has a stricter policy); what it says stands.
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: over https the form token check wants to see that a form was sent from here.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # What may be kept says so itself.
    "Cache-Control": "no-store",
}

#: One year, as browsers ask for their preload lists.
STRICT_TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def set_up(app: Flask, settings: Any) -> None:
    """Say the headers with every answer of `app`, and listen only to the hosts and proxies of the settings."""
    base = urlsplit(settings.base_url)
    app.config["TRUSTED_HOSTS"] = [base.hostname, "localhost", "127.0.0.1"]
    own_origin = f"{base.scheme}://{base.netloc}"
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    @app.before_request
    def refuse_other_sites() -> None:
        """The browser itself says where a form was sent from: one of another site is refused whatever it holds."""
        if request.method not in _SAFE and _from_elsewhere(own_origin):
            abort(403)

    @app.after_request
    def put_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.https:
            response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT_SECURITY)
        return response


def _from_elsewhere(own_origin: str) -> bool:
    """Whether a browser says that a page of another site sent this. Programs that say nothing are not browsers."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and origin != own_origin and urlsplit(origin).netloc != request.host
