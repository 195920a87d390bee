"""Generated terminal tasks: one module per family, written out as Harbor directories."""

from collections.abc import Mapping

from environments.terminal.families import append, copy, count, create, delete, lookup, rename, replace
from environments.terminal.families.instance import Draw

FAMILIES: Mapping[str, Draw] = {
    "append": append.draw,
    "copy": copy.draw,
    "count": count.draw,
    "create": create.draw,
    "delete": delete.draw,
    "lookup": lookup.draw,
    "rename": rename.draw,
    "replace": replace.draw,
}
