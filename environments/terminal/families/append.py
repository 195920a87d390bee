"""Add a line to the end of a file that already has some."""

from random import Random

from environments.terminal.families.instance import Instance, Slip
from environments.terminal.families.words import file_names, lines, pick

PHRASINGS = (
    "Add the line {text} to the end of {file}.",
    "Append the line {text} to {file}.",
    "Put the line {text} below the last line of {file}.",
)


def draw(random: Random) -> Instance:
    stem, first, second = pick(random, 3)
    (file,) = file_names(random, [stem])
    before = lines(random, random.randint(1, 4))
    return Instance(
        family="append",
        instruction=random.choice(PHRASINGS).format(text=f"{first} {second}", file=file),
        start={file: before},
        goal={file: f"{before}{first} {second}\n"},
        solution=(f"echo {first} {second} >> {file}",),
        slips=(
            Slip(0.50, (f"echo {first} {second} > {file}",)),  # overwrites what was there
            Slip(0.08, (f"echo {first} >> {file}",)),
        ),
    )
