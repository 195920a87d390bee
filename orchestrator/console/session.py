"""Who visits: a token in a cookie that no script reads and no other site can send."""

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

HOME: Final = "/console/"
_COOKIE: Final = "podium_console"
_PATH: Final = "/console"


def token_of(request: Request) -> str | None:
    """The visitor's token, unchecked."""
    token = request.cookies.get(_COOKIE, "")
    return token if token and token.isascii() and token.isprintable() else None


def remember(response: Response, request: Request, token: str) -> None:
    """Until the browser is closed, for these pages alone."""
    response.set_cookie(
        _COOKIE,
        token,
        path=_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def forget(response: Response) -> None:
    response.delete_cookie(_COOKIE, path=_PATH, httponly=True, samesite="strict")


def from_our_pages(request: Request) -> bool:
    """Whether a form was sent by a page of this address: browsers say so, and no page can make them lie."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")


def from_elsewhere(request: Request) -> bool:
    """Whether a link of another site led here: then the browser has kept the cookie back this once."""
    return request.headers.get("sec-fetch-site") == "cross-site" and token_of(request) is None


def within(address: str) -> str:
    """The address if it is one of the console's pages, or else the first page."""
    parts = urlsplit(address)
    ours = not parts.scheme and not parts.netloc and parts.path.startswith(HOME) and "\\" not in address
    return address if ours else HOME
