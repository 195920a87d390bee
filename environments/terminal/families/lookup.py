"""Read a file's name in another file, then delete it: the second command needs the first one's output."""

from random import Random

from environments.terminal.families.instance import Instance, Slip
from environments.terminal.families.words import file_names, lines, pick

PHRASINGS = (
    "The file {note} holds the name of another file. Delete that other file.",
    "Look into {note}: it names a file. Delete the file that it names.",
    "Remove the file whose name is written in {note}.",
)


def draw(random: Random) -> Instance:
    folder, *stems = pick(random, 4)
    name, doomed, bystander = file_names(random, stems)
    note = f"{folder}/{name}"
    keep = {note: f"{doomed}\n", bystander: lines(random, 1)}
    return Instance(
        family="lookup",
        instruction=random.choice(PHRASINGS).format(note=note),
        start={**keep, doomed: lines(random, 2)},
        goal=keep,
        solution=(f"cat {note}", f"rm {doomed}"),
        slips=(
            Slip(0.27, (f"rm {note}",)),  # deletes the note itself
            Slip(0.25, (f"cat {note}",)),  # looks, and leaves it there
        ),
    )
