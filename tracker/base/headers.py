"""What every answer says to the browser, and which requests are not listened to at all."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request
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

#: Largest request that may bring a document: one of 5 MB and its form fit.
LARGEST_DOCUMENT = 6 * 1024 * 1024

V = TypeVar("V", bound=Callable[..., Any])

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def takes_documents(view: V) -> V:
    """Mark a view whose form may bring a whole document: everybody else's may be a sixth of that."""
    view.takes_documents = True  # type: ignore[attr-defined]  # the mark lives on the function, where a test finds it
    return view


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

    @app.before_request
    def allow_documents() -> None:
        """Before anything reads the form, which the check of its token does."""
        if getattr(current_app.view_functions.get(request.endpoint or ""), "takes_documents", False):
            request.max_content_length = request.max_form_memory_size = LARGEST_DOCUMENT

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
