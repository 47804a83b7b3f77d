"""Chronos, from folders that the test writes: tiny models with random weights, loaded as real ones are."""

from pathlib import Path

import numpy as np
import pytest

from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.adapters.forecast.factory import open_forecaster
from fks_actors.errors import ConfigError, ModelUnavailable

torch = pytest.importorskip("torch", reason="needs torch: pip install torch==2.13.0")
chronos = pytest.importorskip("chronos", reason="needs chronos-forecasting")
transformers = pytest.importorskip("transformers", reason="needs transformers")

pytestmark = pytest.mark.torch

DECILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
CLOSES = 65_000.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.005, 300)))


def save_bolt(folder: Path) -> None:
    from chronos.chronos_bolt import ChronosBoltModelForForecasting

    torch.manual_seed(3)
    config = transformers.T5Config(
        d_model=16, d_kv=8, d_ff=32, num_layers=1, num_decoder_layers=1, num_heads=2, vocab_size=2, pad_token_id=0,
        eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    config.chronos_pipeline_class = "ChronosBoltPipeline"
    config.chronos_config = {
        "context_length": 128, "prediction_length": 32, "input_patch_size": 16, "input_patch_stride": 16,
        "quantiles": DECILES, "use_reg_token": True,
    }  # fmt: skip
    ChronosBoltModelForForecasting(config).save_pretrained(folder)


def save_second(folder: Path) -> None:
    from chronos.chronos2.config import Chronos2CoreConfig
    from chronos.chronos2.model import Chronos2Model

    torch.manual_seed(3)
    config = Chronos2CoreConfig(d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    config.chronos_pipeline_class = "Chronos2Pipeline"
    config.chronos_config = {
        "context_length": 128, "output_patch_size": 16, "input_patch_size": 16, "input_patch_stride": 16,
        "quantiles": [0.01, 0.05, *DECILES, 0.95, 0.99], "use_reg_token": True, "use_arcsinh": True,
        "max_output_patches": 4, "time_encoding_scale": 128,
    }  # fmt: skip
    Chronos2Model(config).save_pretrained(folder)


def save_first(folder: Path) -> None:
    torch.manual_seed(3)
    config = transformers.T5Config(
        d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, vocab_size=128, pad_token_id=0, eos_token_id=1,
        decoder_start_token_id=0,
    )  # fmt: skip
    config.chronos_config = {
        "tokenizer_class": "MeanScaleUniformBins", "tokenizer_kwargs": {"low_limit": -15.0, "high_limit": 15.0},
        "context_length": 128, "prediction_length": 32, "n_tokens": 128, "n_special_tokens": 2, "pad_token_id": 0,
        "eos_token_id": 1, "use_eos_token": True, "model_type": "seq2seq", "num_samples": 20, "temperature": 1.0,
        "top_k": 50, "top_p": 1.0,
    }  # fmt: skip
    transformers.T5ForConditionalGeneration(config).save_pretrained(folder)


@pytest.mark.parametrize("save", [save_bolt, save_second, save_first], ids=["bolt", "second", "first"])
def test_forecast_when_a_model_lies_in_a_folder_then_quantiles_of_the_return_and_always_the_same(
    save: object, tmp_path: Path
) -> None:
    save(tmp_path / "tiny")  # type: ignore[operator]
    config = ForecastModelConfig(kind="chronos", path=str(tmp_path / "tiny"), device="cpu", window_bars=128)
    model = open_forecaster(config)
    assert (model.name, model.window_bars) == ("chronos:tiny", 128)
    said = model.forecast(CLOSES[-128:], 24, 300, {})
    assert len(said.quantiles) == 19
    assert said.quantiles[-1] > said.quantiles[0]
    assert abs(said.at(0.5)) < 1.0
    assert model.forecast(CLOSES[-128:], 24, 300, {}) == said
    assert open_forecaster(config).forecast(CLOSES[-128:], 24, 1, {}) == said
    assert model.forecast(CLOSES[:128], 24, 300, {}) != said


def test_open_when_the_folder_is_no_model_then_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is no chronos model: .*config\.json is missing"):
        open_forecaster(ForecastModelConfig(kind="chronos", path=str(tmp_path)))
    transformers.T5Config(d_model=16).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="is no Chronos model"):
        open_forecaster(ForecastModelConfig(kind="chronos", path=str(tmp_path)))


def test_open_when_weights_are_missing_or_broken_then_says_so(tmp_path: Path) -> None:
    save_bolt(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ConfigError, match="is no Chronos model"):
        open_forecaster(ForecastModelConfig(kind="chronos", path=str(tmp_path)))
    weights.unlink()
    with pytest.raises(ConfigError, match="is no Chronos model"):
        open_forecaster(ForecastModelConfig(kind="chronos", path=str(tmp_path)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_open_when_cuda_is_asked_for_and_missing_then_says_so(tmp_path: Path) -> None:
    save_bolt(tmp_path)
    with pytest.raises(ConfigError, match="no CUDA device"):
        open_forecaster(ForecastModelConfig(kind="chronos", path=str(tmp_path), device="cuda"))


def test_forecast_when_the_window_is_no_window_then_unavailable(tmp_path: Path) -> None:
    save_bolt(tmp_path)
    model = open_forecaster(ForecastModelConfig(kind="chronos", path=str(tmp_path), device="cpu"))
    with pytest.raises(ModelUnavailable):
        model.forecast(CLOSES, 0, 1, {})
