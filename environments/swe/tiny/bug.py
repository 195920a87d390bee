"""A module of two functions that say the same where one of them should say the opposite."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from environments.terminal.families.words import WORDS


@dataclass(frozen=True)
class Kind:
    """What a function body is, the call that tells both words apart, and what each word returns."""

    body: str
    call: str
    returns: Mapping[str, tuple[str, str]]  # word → what a person says of it, what the call gives


KINDS: tuple[Kind, ...] = (
    Kind(
        "(a, b): return {}(a, b)",
        "(3, 8)",
        {"min": ("the smaller number", "3"), "max": ("the larger number", "8")},
    ),
    Kind(
        "(a): return a.{}()",
        "('Hat')",
        {"upper": ("capital letters", "'HAT'"), "lower": ("small letters", "'hat'")},
    ),
    Kind(
        "(a): return {}(a)",
        "([0, 1])",
        {"any": ("whether one is true", "True"), "all": ("whether each is true", "False")},
    ),
    Kind(
        "(a): return a.{}()",
        "(' hat ')",
        {
            "lstrip": ("text without space before it", "'hat '"),
            "rstrip": ("text without space after it", "' hat'"),
        },
    ),
)
_SAID = frozenset(word for kind in KINDS for word in kind.returns)
NAMES = tuple(word for word in WORDS if not any(said in word for said in _SAID))
PHRASINGS = (
    "{broken} in {module} should return {wanted}.",
    "Fix {broken} in {module}: it should return {wanted}.",
    "In {module}, {broken} does not return {wanted}.",
)


@dataclass(frozen=True)
class Bug:
    """`broken` says `wrong` and should say `right`; `sound` says `wrong` too, and should."""

    module: str
    broken: str
    sound: str
    kind: Kind
    wrong: str
    right: str
    first: bool  # whether the broken function stands first
    phrasing: str

    @property
    def statement(self) -> str:
        wanted = self.kind.returns[self.right][0]
        return self.phrasing.format(broken=self.broken, module=self.module, wanted=wanted)

    @property
    def buggy(self) -> str:
        return self._text(self.wrong)

    @property
    def fixed(self) -> str:
        return self._text(self.right)

    @property
    def cases(self) -> tuple[tuple[str, str, str], ...]:
        """Of each test: the function, a call of it, and how Python writes what that should return."""
        words = {self.broken: self.right, self.sound: self.wrong}
        return tuple(
            (name, f"{name}{self.kind.call}", self.kind.returns[word][1]) for name, word in words.items()
        )

    def _text(self, word: str) -> str:
        lines = [
            f"def {name}{self.kind.body.format(said)}\n"
            for name, said in ((self.broken, word), (self.sound, self.wrong))
        ]
        return "".join(lines if self.first else reversed(lines))


def draw_bug(random: Random) -> Bug:
    module, broken, sound = random.sample(NAMES, 3)
    kind = random.choice(KINDS)
    wrong, right = random.sample(sorted(kind.returns), 2)
    return Bug(
        f"{module}.py", broken, sound, kind, wrong, right, random.random() < 0.5, random.choice(PHRASINGS)
    )
