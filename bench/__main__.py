"""`python -m bench NAME`: runs `bench.NAME`, which prints a table and, last, one JSON line."""

import importlib
import sys
from importlib.util import find_spec


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python -m bench NAME [options], for example: python -m bench gateway --help")
    name, argv = sys.argv[1], sys.argv[2:]
    if not name.isidentifier() or find_spec(f"bench.{name}") is None:
        sys.exit(f"there is no benchmark {name!r}")
    importlib.import_module(f"bench.{name}").main(argv)


if __name__ == "__main__":
    main()
