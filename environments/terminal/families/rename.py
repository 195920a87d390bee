"""Give a file another name."""

from random import Random

from environments.terminal.families.instance import Instance, Slip
from environments.terminal.families.words import file_names, lines, pick

PHRASINGS = (
    "Rename {old} to {new}.",
    "Rename the file {old} to {new} and leave the rest alone.",
    "Give {old} the name {new}.",
)


def draw(random: Random) -> Instance:
    stem, target, other = pick(random, 3)
    old, new, bystander = file_names(random, [stem, target, other])
    text, rest = lines(random, 2), lines(random, 1)
    return Instance(
        family="rename",
        instruction=random.choice(PHRASINGS).format(old=old, new=new),
        start={old: text, bystander: rest},
        goal={new: text, bystander: rest},
        solution=(f"mv {old} {new}",),
        slips=(
            Slip(0.27, (f"cp {old} {new}",)),  # leaves the old name behind
            Slip(0.25, (f"mv {old} {target}",)),  # loses the ending
        ),
    )
