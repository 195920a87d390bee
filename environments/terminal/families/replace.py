"""Replace one word by another everywhere in a file."""

from random import Random

from environments.terminal.families.instance import Instance, Slip
from environments.terminal.families.words import file_names, pick

PHRASINGS = (
    "Replace every {old} by {new} in {file}.",
    "In {file} change each {old} to {new}.",
    "Change the word {old} to {new} everywhere in {file}.",
)


def draw(random: Random) -> Instance:
    old, new, stem, *others = pick(random, 6)
    (file,) = file_names(random, [stem])
    text = "".join(f"{old} {other} {old}\n" for other in others)
    return Instance(
        family="replace",
        instruction=random.choice(PHRASINGS).format(old=old, new=new, file=file),
        start={file: text},
        goal={file: text.replace(old, new)},
        solution=(f"sed -i s/{old}/{new}/g {file}",),
        slips=(
            Slip(0.48, (f"sed -i s/{old}/{new}/ {file}",)),  # only the first in each line
            Slip(0.08, (f"sed s/{old}/{new}/g {file}",)),  # only shows the result
        ),
    )
