"""How Chromium is started: without any way out, and with nothing that it would do on its own."""

import os

_NOWHERE = "socks5://127.0.0.1:1"  # nothing listens; preconnects, which no request handler sees, end here

_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-bypass-list=<-loopback>",
    f"--proxy-server={_NOWHERE}",
)


def flags() -> list[str]:
    return list(_FLAGS)


def runs_as_root() -> bool:
    """Chromium's own sandbox refuses to start for root, and only then it is off."""
    return os.geteuid() == 0
