"""Cards alone: one page, a title and three or four points of two words."""

from functools import partial

from environments.slides.deck import Form
from environments.slides.tasks import write_tasks as write_decks

FORMS: tuple[Form, ...] = ("card",)
write_tasks = partial(write_decks, forms=FORMS)
