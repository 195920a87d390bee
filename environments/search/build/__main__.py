"""Makes questions for a corpus; those that are dropped are kept too, with their reasons."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from environments.search.build.builder import Plan
from environments.search.build.files import build_folder
from environments.search.build.sources import Reading, Trial
from services.kit.failure import Failure


def main() -> None:
    parser = argparse.ArgumentParser(prog="podium search build", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of HTML, Markdown, text or JSONL")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train", type=int, default=512)
    parser.add_argument("--evaluation", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hops", type=int, nargs=2, default=(2, 4), metavar=("LEAST", "MOST"))
    parser.add_argument("--reading", choices=[reading.value for reading in Reading], default="sentences")
    parser.add_argument(
        "--model-url", default="", help="OpenAI-compatible endpoint that tries and checks questions"
    )
    parser.add_argument("--model", default="", help="the name of the model there")
    parser.add_argument("--model-key-file", type=Path, help="a file with its API key")
    arguments = parser.parse_args()
    least, most = arguments.hops
    plan = Plan(arguments.train, arguments.evaluation, (least, most), seed=arguments.seed)
    key = arguments.model_key_file.read_text().strip() if arguments.model_key_file else ""
    trial = Trial(Reading(arguments.reading), arguments.model_url, arguments.model, key)
    try:
        counts = asyncio.run(build_folder(arguments.corpus, arguments.out, plan, trial))
    except Failure as failure:
        sys.exit(f"{failure.detail}{f' ({failure.remedy})' if failure.remedy else ''}")
    sys.stdout.write(json.dumps(counts) + "\n")


if __name__ == "__main__":
    main()
