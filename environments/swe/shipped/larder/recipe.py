"""Recipes and what is missing for them."""

Recipe = dict[str, int]


def scaled(recipe: Recipe, people: int, serves: int) -> Recipe:
    """Rounded up: nobody goes hungry."""
    if people < 1 or serves < 1:
        raise ValueError("at least one person")
    return {name: -(-amount * people // serves) for name, amount in recipe.items()}


def missing(recipe: Recipe, larder: Recipe) -> Recipe:
    """What to buy."""
    short = {name: amount - larder.get(name, 0) for name, amount in recipe.items()}
    return {name: amount for name, amount in short.items() if amount > 0}


def best(recipes: dict[str, Recipe], larder: Recipe) -> str | None:
    """The recipe that lacks the fewest things; None if each lacks everything."""
    lacks = {title: len(missing(recipe, larder)) for title, recipe in recipes.items()}
    possible = [title for title, count in lacks.items() if count < len(recipes[title])]
    if not possible:
        return None
    return min(possible, key=lambda title: (lacks[title], title))


def pages(titles: list[str], size: int) -> list[list[str]]:
    """Titles in pages of `size`; the last may be shorter."""
    if size < 1:
        raise ValueError("a page holds at least one title")
    return [titles[start : start + size] for start in range(0, len(titles), size)]
