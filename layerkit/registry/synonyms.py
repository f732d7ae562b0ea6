"""What other frameworks call the types of a spec; advice alone looks here, a spec has one name for one thing."""

from __future__ import annotations

import re
from collections.abc import Mapping

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "affine": ("dense", "linear", "fully_connected", "fc", "inner_product"),
    "conv2d": ("conv", "convolution", "convolution2d"),
    "max_pool2d": ("max_pooling2d", "max_pool", "max_pooling"),
    "average_pool2d": ("average_pooling2d", "avg_pool2d", "avg_pool", "average_pooling"),
    "global_average_pool2d": ("global_average_pooling2d", "global_avg_pool2d", "adaptive_avg_pool2d"),
    "flatten": ("ravel",),
    "concat": ("concatenate", "parallel"),
    "embedding": ("lookup", "embedding_bag"),
    "residual": ("skip", "skip_connection", "shortcut", "res_block", "residual_block"),
    "batch_norm": ("batch_normalization", "batch_norm1d", "batch_norm2d"),
    "layer_norm": ("layer_normalization",),
    "rms_norm": ("rms_normalization",),
    "relu": ("rectifier", "rectified_linear"),
    "crossentropy": (
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "softmax_crossentropy",
        "softmax_cross_entropy_with_logits",
        "crossentropy_loss",
        "softmax_loss",
        "nll_loss",
    ),
    "binary_crossentropy": ("bce", "bce_loss", "bce_with_logits", "bce_with_logits_loss", "sigmoid_crossentropy"),
    "mae": ("mean_absolute_error", "l1", "l1_loss"),
    "huber": ("huber_loss", "smooth_l1", "smooth_l1_loss"),
    "log_cosh": ("logcosh_loss",),
    "quantile": ("pinball", "pinball_loss", "quantile_loss"),
    "poisson": ("poisson_loss", "poisson_nll", "poisson_nll_loss"),
    "hinge": ("hinge_loss",),
    "multiclass_hinge": ("multi_margin", "multi_margin_loss", "categorical_hinge"),
    "focal": ("focal_loss",),
    "mse": ("mean_squared_error", "mse_loss", "squared_error", "l2_loss"),
    "standardize": ("normalization", "normalize", "standard_scaler", "scaler"),
    "sgd": ("gradient_descent", "stochastic_gradient_descent", "momentum"),
    "lbfgs": ("l_bfgs_b",),
    "step": ("step_lr", "step_decay"),
    "multi_step": ("multi_step_lr", "piecewise_constant"),
    "exponential": ("exponential_lr", "exponential_decay"),
    "polynomial": ("polynomial_lr", "polynomial_decay"),
    "cosine": ("cosine_annealing", "cosine_annealing_lr", "cosine_decay", "cosine_similarity"),
    "warmup": ("linear_warmup", "linear_lr"),
    "one_cycle": ("one_cycle_lr",),
    "reduce_on_plateau": ("plateau", "reduce_lr_on_plateau"),
    "ema": ("exponential_moving_average", "polyak_averaging"),
    "xavier_uniform": ("glorot_uniform", "glorot", "xavier"),
    "xavier_normal": ("glorot_normal",),
    "he_uniform": ("kaiming_uniform",),
    "he_normal": ("kaiming_normal", "kaiming", "he"),
    "normal": ("random_normal", "gaussian"),
    "uniform": ("random_uniform",),
    "zeros": ("zero",),
    "accuracy": ("acc", "categorical_accuracy", "sparse_categorical_accuracy", "accuracy_score"),
    "roc_auc": ("auc", "roc_auc_score"),
    "matthews_corrcoef": ("mcc",),
    "neg_root_mean_squared_error": ("rmse", "root_mean_squared_error"),
    "r2": ("r2_score",),
    "f1_macro": ("f1", "f1_score"),
    "brier": ("brier_score", "brier_score_loss"),
    "csv": ("tsv", "table", "read_csv", "csv_file"),
    "parquet": ("read_parquet",),
    "digits": ("load_digits",),
    "iris": ("load_iris",),
    "wine": ("load_wine",),
    "breast_cancer": ("load_breast_cancer",),
    "diabetes": ("load_diabetes",),
    "mnist_5k": ("mnist",),
}
"""Each type with its other names, however those join their words and whatever their capitals: ``MaxPooling2D``."""

NOT_NEEDED: Mapping[str, tuple[str, str]] = {
    "log_softmax": ("crossentropy", "crossentropy has the softmax in it; leave this layer out"),
    "activation": ("relu", 'an activation has a type of its own; write {"type": "relu"}'),
    "input": ("affine", 'the shape of the samples stands in "input_shape"; leave this layer out'),
    "input_layer": ("affine", 'the shape of the samples stands in "input_shape"; leave this layer out'),
}
"""What other frameworks have a layer for: the type by which it is not needed here, and what to do."""


def spelling(tag: str) -> str:
    """Return what two spellings of one name have in common."""
    return re.sub(r"[\s_-]", "", tag).lower()


_TYPES = {spelling(name): tag for tag, names in SYNONYMS.items() for name in (tag, *names)}
_NOT_NEEDED = {spelling(name): advice for name, advice in NOT_NEEDED.items()}


def type_meant(tag: str) -> str | None:
    """Return the type that goes by another name or another spelling elsewhere; None where there is none."""
    return _TYPES.get(spelling(tag))


def not_needed(tag: str) -> tuple[str, str] | None:
    """Return the type that makes a layer of other frameworks needless, and what to do; None where there is none."""
    return _NOT_NEEDED.get(spelling(tag))
