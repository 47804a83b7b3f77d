"""Fine-tuning of the whole encoder with a linear layer on its mean token, in torch. For the training only.

The embeddings stay as they are; bfloat16 where the processor has it. Everything is seeded: the same texts, seed and
machine give the same weights.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fks_actors.adapters.sentiment.encoder import Weights
from fks_actors.adapters.sentiment.extras import needed, transformers_for
from fks_actors.adapters.sentiment.head import LABELS, Floats

BATCH, BODY_RATE, HEAD_RATE, DECAY, SMOOTHING, WARM_UP, DROPOUT = 16, 5e-5, 2e-3, 0.01, 0.05, 0.1, 0.1
_WHAT = "fine-tuning (--epochs 0 does without)"


def tune(
    folder: Path,
    texts: Sequence[str],
    labels: Sequence[int],
    *,
    epochs: int,
    seed: int,
    threads: int,
    max_tokens: int,
) -> tuple[Weights, Floats, Floats]:
    """The tuned encoder's weights, and weight (3, hidden) and bias (3) of the layer on its mean token.

    Raises:
        ConfigError: torch or transformers is not installed.
    """
    torch = needed("torch", "nlp", _WHAT)
    transformers = transformers_for(_WHAT)
    tokenizers = needed("tokenizers", "train", _WHAT)
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    tokens = [encoded.ids for encoded in tokenizer.encode_batch(list(texts))]
    body = transformers.BertModel.from_pretrained(folder, hidden_dropout_prob=DROPOUT, add_pooling_layer=False)
    layer = torch.nn.Linear(body.config.hidden_size, len(LABELS))
    body.embeddings.requires_grad_(False)
    _train(torch, body, layer, tokens, np.asarray(labels), epochs, np.random.default_rng(seed))
    weights = {name: value.detach().float().numpy() for name, value in body.state_dict().items()}
    return weights, layer.weight.detach().numpy(), layer.bias.detach().numpy()


def _train(
    torch: Any, body: Any, layer: Any, tokens: Sequence[Sequence[int]], labels: Any, epochs: int, rng: Any
) -> None:
    moving = [weight for weight in body.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": moving, "lr": BODY_RATE}, {"params": layer.parameters(), "lr": HEAD_RATE}], weight_decay=DECAY
    )
    steps = epochs * -(-len(tokens) // BATCH)
    warm = max(1, int(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    body.train()
    for _ in range(epochs):
        for chosen in _batches(tokens, rng):
            with torch.autocast("cpu", torch.bfloat16):
                logits = layer(torch.nn.functional.dropout(_mean(torch, body, [tokens[at] for at in chosen]), DROPOUT))
            loss = loss_of(logits.float(), torch.tensor(labels[chosen]))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(moving, 1.0)
            optimizer.step()
            schedule.step()


def _batches(tokens: Sequence[Sequence[int]], rng: Any) -> list[Any]:
    """Batches of texts of like length, in random order."""
    order, batches = rng.permutation(len(tokens)), []
    for start in range(0, len(order), 50 * BATCH):
        near = sorted(order[start : start + 50 * BATCH].tolist(), key=lambda at: len(tokens[at]))
        batches += [np.array(near[at : at + BATCH]) for at in range(0, len(near), BATCH)]
    return [batches[at] for at in rng.permutation(len(batches))]


def _mean(torch: Any, body: Any, rows: Sequence[Sequence[int]]) -> Any:
    length = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (length - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    hidden = body(input_ids=ids, attention_mask=mask).last_hidden_state
    share = mask[..., None].to(hidden.dtype)
    return (hidden * share).sum(1) / share.sum(1)
