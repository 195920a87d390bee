"""Count the lines of a file, then write the number down: the second command needs the first one's output."""

from random import Random

from environments.terminal.families.instance import Instance, Slip
from environments.terminal.families.words import file_names, lines, pick

PHRASINGS = (
    "Count the lines of {file} and write the number to {answer}.",
    "How many lines has {file}? Write the number to {answer}.",
    "Write the number of lines in {file} to the file {answer}.",
)


def draw(random: Random) -> Instance:
    file, answer = file_names(random, pick(random, 2))
    count = random.randint(2, 9)
    start = {file: lines(random, count)}
    return Instance(
        family="count",
        instruction=random.choice(PHRASINGS).format(file=file, answer=answer),
        start=start,
        goal={**start, answer: f"{count}\n"},
        solution=(f"wc -l {file}", f"echo {count} > {answer}"),
        slips=(
            Slip(0.27, (f"wc -w {file}", f"echo {2 * count} > {answer}")),  # counts words
            Slip(0.25, (f"wc -l {file}",)),  # never writes the answer
        ),
    )
