"""Lag-Llama (Rasul et al. 2023) from a local checkpoint, where its repository's package `lag_llama` can be imported.

It is on no package index: clone github.com/time-series-foundation-models/lag-llama, `pip install -r requirements.txt`
there (gluonts, lightning, torch), and put the clone on PYTHONPATH; `path` is `lag-llama.ckpt` from its model page.
The checkpoint is a pickle, and loading one runs what it says: take it from nowhere else. It draws samples, always with
the same seed. Never run by this project's own tests, which cannot install it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.adapters.forecast.foundation import FoundationForecaster, device, package, weights
from fks_actors.errors import ConfigError

Floats = npt.NDArray[np.float64]

_HOW = (
    "clone github.com/time-series-foundation-models/lag-llama, pip install -r its requirements.txt, and put the clone "
    "on PYTHONPATH"
)
_KEPT = ("input_size", "n_layer", "n_embd_per_head", "n_head", "scaling", "time_feat")
_SAMPLES = 200


def open_model(config: ForecastModelConfig) -> FoundationForecaster:
    """Load `lag-llama.ckpt`.

    Raises:
        ConfigError: a package is missing, or the path is no Lag-Llama checkpoint.
    """
    torch = package("torch", "pip install torch")
    estimators = package("lag_llama.gluon.estimator", _HOW)
    pandas = package("pandas", "pip install pandas")
    file = weights(config, "lag-llama.ckpt")
    place = torch.device(device(config, torch))
    try:
        kept: dict[str, Any] = torch.load(file, map_location=place, weights_only=False)["hyper_parameters"]
        arguments = {key: kept["model_kwargs"][key] for key in _KEPT}
        trained = int(kept["model_kwargs"]["context_length"])
    except Exception as error:
        raise ConfigError(f"forecast.path: {file} is no Lag-Llama checkpoint: {error}") from error
    predictors: dict[tuple[int, int], Any] = {}

    def predictor(context: int, horizon: int) -> Any:
        """The model for one context and horizon; its positions stretched to lengths it was not trained on."""
        if (context, horizon) not in predictors:
            stretch = {"type": "linear", "factor": max(1.0, (context + horizon) / trained)}
            estimator = estimators.LagLlamaEstimator(
                ckpt_path=str(file),
                prediction_length=horizon,
                context_length=context,
                rope_scaling=stretch,
                batch_size=1,
                num_parallel_samples=_SAMPLES,
                device=place,
                **arguments,
            )
            steps = estimator.create_transformation()
            predictors[context, horizon] = estimator.create_predictor(steps, estimator.create_lightning_module())
        return predictors[context, horizon]

    def predict(values: Floats, horizon: int) -> tuple[Sequence[float], Floats]:
        series = {"start": pandas.Period("2000-01-01", freq="h"), "target": values.astype(np.float32)}
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(0)
            said = next(iter(predictor(len(values), horizon).predict([series])))
        ends = np.asarray(said.samples, np.float64)[:, horizon - 1]
        return config.quantile_levels, np.quantile(ends, config.quantile_levels)

    return FoundationForecaster(config, predict)
