"""What lies on a shelf, with the day by which it should be eaten."""

from dataclasses import dataclass, field


@dataclass
class Shelf:
    """Jars by name, at most `room` of them; each with a count and a last day."""

    room: int
    jars: dict[str, tuple[int, int]] = field(default_factory=dict)

    def put(self, name: str, count: int, last_day: int) -> None:
        """More of a jar that is there keeps the earlier last day."""
        if count <= 0:
            raise ValueError("put at least one")
        if self.total() + count > self.room:
            raise ValueError("the shelf is full")
        before, day = self.jars.get(name, (0, last_day))
        self.jars[name] = (before + count, min(day, last_day))

    def take(self, name: str, count: int = 1) -> int:
        """How many are left."""
        there, day = self.jars.get(name, (0, 0))
        if there < count:
            raise KeyError(name)
        left = there - count
        if left == 0:
            del self.jars[name]
        else:
            self.jars[name] = (left, day)
        return left

    def total(self) -> int:
        return sum(count for count, _ in self.jars.values())

    def spoiled(self, today: int) -> list[str]:
        """Names of what is past its last day, in order."""
        return sorted(name for name, (_, day) in self.jars.items() if day < today)

    def next_to_eat(self) -> str | None:
        """What has the earliest last day; of several the first by name."""
        if not self.jars:
            return None
        return min(self.jars, key=lambda name: (self.jars[name][1], name))
