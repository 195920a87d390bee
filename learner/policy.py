"""The policy that is trained: any causal language model of transformers, in float32."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging

from learner.losses import entropy
from learner.packing import MicroBatch


@dataclass(frozen=True)
class TokenScores:
    """What the policy thinks of each trained token of a micro-batch, row by row; both are [tokens]."""

    logprobs: Tensor
    entropy: Tensor


class Policy:
    """A model with its folder. Dropout is off: the trainer's log-probs must be the engine's."""

    def __init__(self, model: PreTrainedModel, folder: Path) -> None:
        self.model: PreTrainedModel = model.eval()  # type: ignore[no-untyped-call]
        self.folder = folder
        self._plain_head = _has_plain_head(model)

    @classmethod
    def load(cls, folder: Path, device: torch.device | None = None) -> "Policy":
        """The model of a Hugging Face folder, on the processor unless another device is given."""
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="sdpa", local_files_only=True
        )
        model.config.use_cache = False
        torch.nn.Module.to(model, device or torch.device("cpu"))
        return cls(model, folder)

    @property
    def vocabulary(self) -> int:
        return int(self.model.config.get_text_config().vocab_size)

    @property
    def device(self) -> torch.device:
        return self.model.device

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """An array where the policy is."""
        return torch.from_numpy(array).to(self.device)

    def score(self, batch: MicroBatch) -> TokenScores:
        """Log-probs of the trained tokens at the temperature of their call: log_softmax(logits / T)."""
        mask = self.tensor(batch.loss_mask)
        logits = self._logits(batch, mask)
        temperatures = self.tensor(batch.temperatures)[mask]
        distribution = torch.log_softmax(logits / temperatures[:, None], dim=-1)
        sampled = self.tensor(batch.token_ids)[mask]
        logprobs = distribution.gather(1, sampled[:, None]).squeeze(1)
        return TokenScores(logprobs, entropy(distribution.detach()))

    def _logits(self, batch: MicroBatch, mask: Tensor) -> Tensor:
        """Logits [tokens, vocabulary] that predict the tokens under `mask`, each from the one before it."""
        rows, columns = mask.nonzero(as_tuple=True)
        inputs = {
            "input_ids": self.tensor(batch.token_ids),
            "position_ids": self.tensor(batch.position_ids),
            "attention_mask": self.tensor(batch.attention()),
            "use_cache": False,
        }
        if not self._plain_head:
            logits: Tensor = self.model(**inputs).logits[rows, columns - 1]
            return logits
        hidden = self.model.base_model(**inputs).last_hidden_state
        return _head(self.model)(hidden[rows, columns - 1])


@torch.no_grad()
def _has_plain_head(model: PreTrainedModel) -> bool:
    """Whether logits are no more than the output embedding of the last hidden state.

    They mostly are; then the vocabulary is computed for trained tokens only.
    """
    probe = {"input_ids": torch.arange(4, device=model.device)[None], "use_cache": False}
    hidden = model.base_model(**probe).last_hidden_state
    return torch.equal(model(**probe).logits, _head(model)(hidden))


def _head(model: PreTrainedModel) -> Callable[[Tensor], Tensor]:
    head: Callable[[Tensor], Tensor] = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    return head
