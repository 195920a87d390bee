"""Delete the files of one kind in a folder and keep the others."""

from random import Random

from environments.terminal.families.instance import Instance, Slip
from environments.terminal.families.words import ENDINGS, lines, pick

PHRASINGS = (
    "Delete the {ending} files in {folder} and keep the others.",
    "Remove every {ending} file from the folder {folder}, nothing else.",
    "Clean up {folder}: only the {ending} files must go.",
)


def draw(random: Random) -> Instance:
    outer, inner, *stems, kept = pick(random, 6)
    folder = f"{outer}/{inner}"
    ending, other = random.sample(ENDINGS, 2)
    keep = {f"{folder}/{kept}.{other}": lines(random, 1)}
    doomed = {f"{folder}/{stem}.{ending}": lines(random, 1) for stem in stems[: random.randint(1, 3)]}
    return Instance(
        family="delete",
        instruction=random.choice(PHRASINGS).format(ending=ending, folder=folder),
        start={**doomed, **keep},
        goal=keep,
        solution=(f"rm {folder}/*.{ending}",),
        slips=(
            Slip(0.48, (f"rm {folder}/*",)),  # takes every file
            Slip(0.08, (f"rm -r {folder}",)),  # takes the folder too
        ),
    )
