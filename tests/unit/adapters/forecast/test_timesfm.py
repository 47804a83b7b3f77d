"""TimesFM 2.5's own code with a definition made tiny, its weights random and written by the test."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.adapters.forecast.factory import open_forecaster
from fks_actors.errors import ConfigError, ModelUnavailable

torch = pytest.importorskip("torch", reason="needs torch: pip install torch==2.13.0")
timesfm = pytest.importorskip("timesfm", reason="needs timesfm")

pytestmark = pytest.mark.torch

CLOSES = 65_000.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.005, 300)))
WIDTH = 32


def tiny(definition: Any) -> Any:
    """The definition with narrow layers, and one of them."""
    blocks = {
        name: dataclasses.replace(block, hidden_dims=WIDTH, **sides)
        for name, sides in (
            ("tokenizer", {"output_dims": WIDTH}),
            ("output_projection_point", {"input_dims": WIDTH}),
            ("output_projection_quantiles", {"input_dims": WIDTH}),
        )
        for block in [getattr(definition, name)]
    }
    stacked = definition.stacked_transformers
    layer = dataclasses.replace(stacked.transformer, model_dims=WIDTH, hidden_dims=WIDTH, num_heads=2)
    blocks["stacked_transformers"] = dataclasses.replace(stacked, num_layers=1, transformer=layer)
    return dataclasses.replace(definition, **blocks)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from timesfm.timesfm_2p5 import timesfm_2p5_torch as inner

    module = inner.TimesFM_2p5_200M_torch_module
    monkeypatch.setattr(module, "config", tiny(module.config))
    torch.manual_seed(5)
    timesfm.TimesFM_2p5_200M_torch(torch_compile=False)._save_pretrained(tmp_path)
    return tmp_path


def test_forecast_when_weights_lie_in_a_folder_then_quantiles_of_the_return_and_always_the_same(folder: Path) -> None:
    config = ForecastModelConfig(kind="timesfm", path=str(folder), device="cpu", window_bars=128)
    model = open_forecaster(config)
    said = model.forecast(CLOSES[-128:], 24, 300, {})
    assert (model.name, len(said.quantiles)) == (f"timesfm:{folder.name}", 19)
    assert said.quantiles[-1] > said.quantiles[0]
    assert model.forecast(CLOSES[-128:], 24, 1, {}) == said
    assert open_forecaster(config).forecast(CLOSES[-128:], 24, 300, {}) == said
    assert model.forecast(CLOSES[:128], 24, 300, {}) != said
    with pytest.raises(ModelUnavailable, match="1024 bars ahead"):
        model.forecast(CLOSES[-128:], 1_025, 300, {})


def test_open_when_the_path_holds_no_weights_then_says_so(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.safetensors is missing"):
        open_forecaster(ForecastModelConfig(kind="timesfm", path=str(folder / "none")))
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ConfigError, match="holds no TimesFM"):
        open_forecaster(ForecastModelConfig(kind="timesfm", path=str(folder)))
