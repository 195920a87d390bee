"""Write a new file into a folder that does not exist yet."""

from random import Random

from environments.terminal.families.instance import Instance, Slip
from environments.terminal.families.words import file_names, lines, pick

PHRASINGS = (
    "Create the file {folder}/{file} with the line {text}.",
    "Write the line {text} to the new file {folder}/{file}.",
    "Make a file {folder}/{file} that says {text}.",
)


def draw(random: Random) -> Instance:
    folder, stem, other, first, second = pick(random, 5)
    file, bystander = file_names(random, [stem, other])
    start = {bystander: lines(random, 1)}
    text = f"{first} {second}"
    return Instance(
        family="create",
        instruction=random.choice(PHRASINGS).format(folder=folder, file=file, text=text),
        start=start,
        goal={**start, f"{folder}/{file}": f"{text}\n"},
        solution=(f"mkdir -p {folder} && echo {text} > {folder}/{file}",),
        slips=(
            Slip(0.27, (f"echo {text} > {folder}/{file}",)),  # there is no such folder
            Slip(0.25, (f"mkdir -p {folder} && echo {first} > {folder}/{file}",)),
        ),
    )
