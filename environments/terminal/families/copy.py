"""Copy a file into a folder that does not exist yet."""

from random import Random

from environments.terminal.families.instance import Instance, Slip
from environments.terminal.families.words import file_names, lines, pick

PHRASINGS = (
    "Put a copy of {file} into the new folder {folder}.",
    "Copy {file} into a new folder named {folder}.",
    "Make the folder {folder} and copy {file} into it.",
)


def draw(random: Random) -> Instance:
    stem, folder, other = pick(random, 3)
    file, bystander = file_names(random, [stem, other])
    start = {file: lines(random, 2), bystander: lines(random, 1)}
    return Instance(
        family="copy",
        instruction=random.choice(PHRASINGS).format(file=file, folder=folder),
        start=start,
        goal={**start, f"{folder}/{file}": start[file]},
        solution=(f"mkdir -p {folder} && cp {file} {folder}",),
        slips=(
            Slip(0.50, (f"cp {file} {folder}",)),  # makes a file of that name, not a folder
            Slip(0.08, (f"mkdir -p {folder} && mv {file} {folder}",)),  # takes the original away
        ),
    )
