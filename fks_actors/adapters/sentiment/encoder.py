"""From the weights of a BERT-shaped sentence encoder to an ONNX graph, and on to int8. For the training only.

The graph gives, for each of the last three layers, the mean of the tokens, the first token and the maximum, side by
side; the mean of the last layer stands first. The names of the weights are those of transformers' BertModel.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fks_actors.adapters.sentiment.extras import needed
from fks_actors.adapters.sentiment.head import Floats
from fks_actors.errors import ConfigError

OPSET = 20
POOLED_LAYERS = 3
Weights = Mapping[str, Floats]
_WHAT = "building the encoder"
_MASKED = 1e4


@dataclass(frozen=True, slots=True)
class Shape:
    """What a BERT's config.json says of its shape."""

    layers: int
    heads: int
    hidden: int
    epsilon: float


@dataclass(slots=True)
class Graph:
    """Nodes and constants in the making; `op` adds a node and names its output."""

    onnx: Any
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def const(self, array: Any, name: str = "") -> str:
        name = name or f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def ints(self, *numbers: int) -> str:
        return self.const(np.array(numbers, np.int64))

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: object) -> Any:
        names = [f"{kind.lower()}{len(self.nodes)}_{at}" for at in range(outputs)]
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def linear(self, x: str, weight: Floats, bias: Floats) -> str:
        return str(self.op("Add", self.op("MatMul", x, self.const(weight.T)), self.const(bias)))


def read_encoder(folder: Path) -> tuple[Shape, dict[str, Floats]]:
    """Shape and weights of the encoder in a folder (config.json, model.safetensors).

    Raises:
        ConfigError: a file is missing, or it is no BERT.
    """
    safetensors = needed("safetensors.numpy", "train", _WHAT)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = safetensors.load_file(folder / "model.safetensors")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder} holds no encoder ({error}); it needs config.json and model.safetensors") from None
    if config.get("model_type") != "bert":
        raise ConfigError(f"{folder} holds a {config.get('model_type')} model; a BERT such as MiniLM is needed")
    shape = Shape(
        config["num_hidden_layers"], config["num_attention_heads"], config["hidden_size"], config["layer_norm_eps"]
    )
    return shape, {name.removeprefix("bert."): value.astype(np.float32) for name, value in weights.items()}


def write_onnx(shape: Shape, weights: Weights, path: Path) -> None:
    """Write the encoder as an int8 ONNX file; the float graph lies beside it only while this runs.

    Raises:
        ConfigError: onnx or onnxruntime is not installed.
    """
    onnx = needed("onnx", "train", _WHAT)
    quantization = needed("onnxruntime.quantization", "train", _WHAT)
    whole = path.with_suffix(".float.onnx")
    onnx.save(_model(onnx, shape, weights), str(whole))
    quiet, level = logging.getLogger(), logging.getLogger().level
    quiet.setLevel(logging.ERROR)
    try:
        quantization.quantize_dynamic(
            whole,
            path,
            op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True,
            reduce_range=True,
            weight_type=quantization.QuantType.QInt8,
        )
    finally:
        quiet.setLevel(level)
        whole.unlink()


def _model(onnx: Any, shape: Shape, weights: Weights) -> Any:
    graph, helper, proto = Graph(onnx), onnx.helper, onnx.TensorProto
    mask = graph.op("Cast", "attention_mask", to=proto.FLOAT)
    column = graph.op("Unsqueeze", mask, graph.ints(2))
    absent = graph.op("Mul", graph.op("Sub", mask, graph.const(np.float32(1))), graph.const(np.float32(_MASKED)))
    bias = graph.op("Unsqueeze", absent, graph.ints(1, 2))
    x = _embedded(graph, shape, weights)
    layers = []
    for at in range(shape.layers):
        x = _layer(graph, shape, weights, f"encoder.layer.{at}.", x, bias)
        layers.append(x)
    pooled = [part for layer in reversed(layers[-POOLED_LAYERS:]) for part in _pooled(graph, layer, column)]
    graph.nodes.append(helper.make_node("Concat", pooled, ["features"], axis=1))
    ids = [
        helper.make_tensor_value_info(name, proto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    out = helper.make_tensor_value_info("features", proto.FLOAT, ["batch", shape.hidden * len(pooled)])
    body = helper.make_graph(graph.nodes, "encoder", ids, [out], graph.constants)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def _embedded(graph: Graph, shape: Shape, weights: Weights) -> str:
    words = graph.op("Gather", graph.const(weights["embeddings.word_embeddings.weight"], "words"), "input_ids")
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    length = graph.op("Shape", "input_ids", start=1, end=2)
    place = graph.op("Slice", graph.const(places), graph.ints(0), length, graph.ints(0))
    return _normed(graph, shape, weights, "embeddings.LayerNorm", graph.op("Add", words, place))


def _normed(graph: Graph, shape: Shape, weights: Weights, name: str, x: str) -> str:
    scale, shift = graph.const(weights[f"{name}.weight"]), graph.const(weights[f"{name}.bias"])
    return str(graph.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=shape.epsilon))


def _layer(graph: Graph, shape: Shape, weights: Weights, at: str, x: str, bias: str) -> str:
    def of(name: str) -> tuple[Floats, Floats]:
        return weights[f"{at}{name}.weight"], weights[f"{at}{name}.bias"]

    size = shape.hidden // shape.heads
    parts = [of(f"attention.self.{name}") for name in ("query", "key", "value")]
    shrink = np.float32(size**-0.5)
    parts[0] = (parts[0][0] * shrink, parts[0][1] * shrink)
    joint = graph.linear(x, np.concatenate([w for w, _ in parts]), np.concatenate([b for _, b in parts]))
    split = graph.op("Split", joint, outputs=3, axis=2, num_outputs=3)
    query, key, value = (graph.op("Reshape", part, graph.ints(0, 0, shape.heads, size)) for part in split)
    query, value = (graph.op("Transpose", part, perm=[0, 2, 1, 3]) for part in (query, value))
    attention = graph.op("MatMul", query, graph.op("Transpose", key, perm=[0, 2, 3, 1]))
    share = graph.op("Softmax", graph.op("Add", attention, bias), axis=-1)
    mixed = graph.op("Transpose", graph.op("MatMul", share, value), perm=[0, 2, 1, 3])
    mixed = graph.linear(graph.op("Reshape", mixed, graph.ints(0, 0, shape.hidden)), *of("attention.output.dense"))
    x = _normed(graph, shape, weights, f"{at}attention.output.LayerNorm", graph.op("Add", x, mixed))
    inner = graph.op("Gelu", graph.linear(x, *of("intermediate.dense")))
    return _normed(
        graph, shape, weights, f"{at}output.LayerNorm", graph.op("Add", x, graph.linear(inner, *of("output.dense")))
    )


def _pooled(graph: Graph, x: str, column: str) -> list[str]:
    one, far = graph.const(np.float32(1)), graph.const(np.float32(_MASKED))
    total = graph.op("ReduceSum", graph.op("Mul", x, column), graph.ints(1), keepdims=0)
    mean = graph.op("Div", total, graph.op("ReduceSum", column, graph.ints(1), keepdims=0))
    first = graph.op("Gather", x, graph.const(np.int64(0)), axis=1)
    shown = graph.op("Add", x, graph.op("Mul", graph.op("Sub", column, one), far))
    return [mean, first, graph.op("ReduceMax", shown, graph.ints(1), keepdims=0)]
