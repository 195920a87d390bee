"""What a command prints, kept within a limit: its beginning, its end, and how much is missing between."""

FLOOD = 32 * 1024 * 1024  # bytes


class Flooded(Exception):
    """So much was printed that reading on would only burn our time."""


class BoundedOutput:
    """Collects at most `limit` bytes: the first half of them and the last. Beyond `flood` nobody reads on."""

    def __init__(self, limit: int, flood: int = FLOOD) -> None:
        self._head_limit = limit - limit // 2
        self._tail_limit = limit // 2
        self._flood = flood
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, chunk: bytes) -> None:
        self.total += len(chunk)
        room = self._head_limit - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:] if room < len(chunk) else b""
        if len(self._tail) > 2 * self._tail_limit:
            self._trim()

    @property
    def flooded(self) -> bool:
        return self.total > self._flood

    @property
    def truncated(self) -> bool:
        return self.total > self._head_limit + self._tail_limit

    def text(self) -> str:
        """The text, saying in its middle how many bytes were left out."""
        self._trim()
        if not self.truncated:
            return (self._head + self._tail).decode(errors="replace")
        missing = self.total - len(self._head) - len(self._tail)
        head, tail = self._head.decode(errors="replace"), self._tail.decode(errors="replace")
        return f"{head}\n[... {missing} bytes left out ...]\n{tail}"

    def raw(self) -> bytes:
        """The bytes from the beginning; cut off where the limit was reached."""
        self._trim()
        return bytes(self._head) if self.truncated else bytes(self._head + self._tail)

    def _trim(self) -> None:
        if len(self._tail) > self._tail_limit:
            del self._tail[: len(self._tail) - self._tail_limit]
