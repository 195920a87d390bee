"""`python -m learner.warm_start --demonstrations FILE --out DIR`: makes the tiny policy's model folder."""

import argparse
from pathlib import Path
from random import Random

import torch

from learner.warm_start.batches import copying_batches, demonstration_batches
from learner.warm_start.demonstrations import read_demonstrations, spoken_texts, tokenize
from learner.warm_start.model import new_model, write_tokenizer, write_weights
from learner.warm_start.phrases import all_phrases, without
from learner.warm_start.tokenizer import build_tokenizer
from learner.warm_start.training import Schedule, train

BATCH = 4
COPY_LENGTH = 40


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the tiny policy on demonstrations.")
    parser.add_argument("--demonstrations", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--copy-steps", type=int, default=700)
    parser.add_argument("--steps", type=int, default=5_000)
    arguments = parser.parse_args()
    warm_start(
        arguments.demonstrations,
        arguments.out,
        arguments.seed,
        Schedule(arguments.copy_steps, 2e-3),
        Schedule(arguments.steps, 2e-3),
    )


def warm_start(file: Path, out: Path, seed: int, copying: Schedule, following: Schedule) -> None:
    """One thread, so that the same seed gives the same weights on every run."""
    torch.set_num_threads(1)
    demonstrations = read_demonstrations(file)
    phrases = all_phrases(demonstrations)
    texts = {text for demonstration in demonstrations for text in spoken_texts(demonstration)}
    write_tokenizer(out, build_tokenizer([without(phrases, text) for text in texts], phrases))
    tokens = list(tokenize(demonstrations, out))
    vocabulary = sorted({token for episode in tokens for token in episode.ids})
    model, random = new_model(out, seed), Random(seed)
    train(model, copying_batches(vocabulary, COPY_LENGTH, BATCH, random), copying, "copying")
    train(model, demonstration_batches(tokens, BATCH, random), following, "demonstrations")
    write_weights(out, model)


if __name__ == "__main__":
    main()
