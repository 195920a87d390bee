"""Amounts with units."""

from dataclasses import dataclass

GRAMS = {"g": 1, "kg": 1000, "mg": 0.001}


@dataclass(frozen=True)
class Quantity:
    """An amount in grams."""

    grams: float

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.grams + other.grams)

    def __sub__(self, other: "Quantity") -> "Quantity":
        if other.grams > self.grams:
            raise ValueError("not enough")
        return Quantity(self.grams - other.grams)

    def portions(self, each: "Quantity") -> int:
        """How many whole portions it makes."""
        if each.grams <= 0:
            raise ValueError("a portion is more than nothing")
        return int(self.grams // each.grams)


def parse(text: str) -> Quantity:
    """`1.5 kg` and the like."""
    number, _, unit = text.strip().partition(" ")
    if unit not in GRAMS:
        raise ValueError(f"no such unit: {unit}")
    if float(number) < 0:
        raise ValueError("an amount is not negative")
    return Quantity(float(number) * GRAMS[unit])


def show(quantity: Quantity) -> str:
    """In kilograms from one kilogram on, else in grams."""
    if quantity.grams >= 1000:
        return f"{quantity.grams / 1000:g} kg"
    return f"{quantity.grams:g} g"
