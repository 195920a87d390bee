"""Labels for jars."""


def label(name: str, width: int) -> str:
    """In capitals, centred, cut to the width with a full stop."""
    if width < 2:
        raise ValueError("too narrow")
    words = name.strip().upper()
    if len(words) > width:
        words = words[: width - 1] + "."
    return words.center(width)


def code(name: str, day: int) -> str:
    """The first three consonants and the day in three digits."""
    if not 0 <= day <= 999:
        raise ValueError("no such day")
    consonants = [letter for letter in name.upper() if letter.isalpha() and letter not in "AEIOU"]
    return "".join(consonants[:3]).ljust(3, "X") + f"{day:03}"


def same(one: str, other: str) -> bool:
    """Whether two codes are of the same name and at most a week apart."""
    return one[:3] == other[:3] and abs(int(one[3:]) - int(other[3:])) <= 7
