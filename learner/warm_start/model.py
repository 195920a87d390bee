"""The model folder of the tiny policy: a Qwen3 small enough to sample and train on a processor."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Qwen3Config, Qwen3ForCausalLM
from transformers.models.qwen3.modeling_qwen3 import Qwen3Attention

from learner.warm_start.tokenizer import END_OF_TEXT, END_OF_TURN

CONTEXT = 2048
EMBEDDING_RANGE = 0.1

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": 128,
    "intermediate_size": 320,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": CONTEXT,
    "rope_theta": 10_000.0,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
    "attention_bias": False,
    "attention_dropout": 0.0,
    "hidden_act": "silu",
    "initializer_range": 0.06,
    "use_cache": True,
    "use_sliding_window": False,
    "torch_dtype": "float32",
    "bos_token_id": None,
    "eos_token_id": END_OF_TURN,
    "pad_token_id": END_OF_TEXT,
}

GENERATION = {
    "eos_token_id": [END_OF_TURN, END_OF_TEXT],
    "pad_token_id": END_OF_TEXT,
    "do_sample": True,
    "temperature": 1.0,
}

TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "eos_token": "<|im_end|>",
    "pad_token": "<|endoftext|>",
    "clean_up_tokenization_spaces": False,
    "model_max_length": CONTEXT,
}


def write_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    """Everything of a model folder but the weights; every row of the embedding is a token."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(folder / "tokenizer_config.json", TOKENIZER)
    _write_json(folder / "generation_config.json", GENERATION)
    _write_json(folder / "config.json", {**CONFIG, "vocab_size": tokenizer.get_vocab_size()})


def new_model(folder: Path, seed: int) -> Qwen3ForCausalLM:
    """An untrained model of the folder's configuration, begun such that it learns to copy early."""
    torch.manual_seed(seed)
    model = Qwen3ForCausalLM(Qwen3Config.from_pretrained(folder))
    with torch.no_grad():
        torch.nn.init.normal_(model.model.embed_tokens.weight, std=EMBEDDING_RANGE)
        for layer in model.model.layers:
            _pass_on(layer.self_attn)
    return model


def _pass_on(attention: Qwen3Attention) -> None:
    """Each head's output undoes its values: what a head looks at becomes likelier to be said."""
    heads, size = attention.num_key_value_groups, attention.head_dim
    values = attention.v_proj.weight.view(-1, size, attention.v_proj.in_features)
    attention.o_proj.weight.copy_(values.repeat_interleave(heads, 0).flatten(0, 1).T)


def write_weights(folder: Path, model: Qwen3ForCausalLM) -> None:
    """Adds `model.safetensors`; the configuration stays as it was written."""
    tied = "lm_head.weight"  # is the embedding
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != tied}
    file = folder / "model.safetensors"
    save_file(weights, file, metadata={"format": "pt"})
    file.chmod(0o644)  # safetensors makes it readable by its owner alone


def _write_json(file: Path, content: dict[str, object]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n")
