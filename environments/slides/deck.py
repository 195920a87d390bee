"""What a deck must say: its pages' titles, points and images. Parsed once, trusted afterwards."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from environments.slides.pictures import PICTURES
from services.contracts.environment import TaskCard, TaskRef
from services.contracts.words import Word as Frozen
from services.kit.failure import Refused

Form = Literal["card", "page", "picture", "deck"]


class PageBrief(Frozen):
    """One page's content."""

    title: str = Field(min_length=1)
    points: tuple[str, ...] = Field(min_length=1)
    images: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _images_exist(self) -> "PageBrief":
        unknown = sorted(set(self.images) - set(PICTURES))
        if unknown:
            raise ValueError(f"no such image: {', '.join(unknown)}")
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.title, *self.points)


class Deck(Frozen):
    """One task."""

    form: Form = "deck"
    pages: tuple[PageBrief, ...] = Field(min_length=1, max_length=9)

    @property
    def instruction(self) -> str:
        """What the agent is asked for."""
        many = len(self.pages)
        head = "Make one slide." if many == 1 else f"Make {many} slides."
        return "\n\n".join([head, *(_page_text(place, page) for place, page in enumerate(self.pages, 1))])

    def card(self, ref: TaskRef) -> TaskCard:
        tags = (self.form, f"{len(self.pages)} pages")
        title = f"slides-{ref.split}-{ref.index:04}"
        return TaskCard(task=ref, title=title, tags=tags, instruction=self.instruction)


def _page_text(place: int, page: PageBrief) -> str:
    lines = [f"Page {place}", f"Title: {page.title}", *(f"- {point}" for point in page.points)]
    return "\n".join([*lines, *(f"Image: {image}" for image in page.images)])


def read_decks(path: Path) -> tuple[Deck, ...]:
    """One deck a line, as JSON. Errors: Refused, naming file and line."""
    decks = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            decks.append(Deck.model_validate_json(line))
        except ValidationError as error:
            raise Refused(f"{path}:{number} is no deck: {error.errors()[0]['msg']}", field="deck") from None
    return tuple(decks)
