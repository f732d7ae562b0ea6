"""What other frameworks call the keys of a spec, and which of theirs have no counterpart."""

from __future__ import annotations

from collections.abc import Mapping

KEY_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "data": ("dataset", "datasets"),
    "model": ("network", "architecture", "net"),
    "training": ("train", "fit", "trainer"),
    "units": ("out_features", "n_units", "hidden_units", "hidden_size", "size", "width", "neurons"),
    "weight_init": ("kernel_initializer", "init", "initializer", "weight_initializer"),
    "bias_init": ("bias_initializer",),
    "filters": ("out_channels",),
    "strides": ("stride",),
    "epochs": ("n_epochs", "num_epochs", "nb_epoch", "max_epochs", "max_iter", "iterations"),
    "learning_rate": ("lr", "learning_rate_init", "eta", "step_size"),
    "optimizer": ("solver", "optim"),
    "seed": ("random_state", "random_seed"),
    "input_shape": ("shape", "input_size", "n_features"),
    "test_size": ("test_split", "test_fraction"),
    "dtype": ("precision",),
    "path": ("file", "filename", "file_name", "filepath"),
    "target": ("label", "label_column", "target_column", "y"),
    "separator": ("sep", "delimiter"),
    "nulls": ("na_values", "null_values"),
    "max_minutes": ("time_limit", "max_time"),
    "observers": ("callbacks", "hooks"),
}
"""Keys of a spec, each with its other names."""

_VALIDATION = 'in Python, fit takes validation=(inputs, targets); in a spec, training takes "validation": {"size": 0.1}'

KEYS_WITHOUT_COUNTERPART: Mapping[str, str] = {
    "activation": 'an activation is a layer of its own: write {"type": "relu"} after this one',
    "in_features": "a layer takes what reaches it; leave this key out",
    "in_channels": "a layer takes what reaches it; leave this key out",
    "input_dim": 'a layer takes what reaches it, and "input_shape" of the model says what reaches the first; leave this key out',
    "use_bias": "there is always a bias; leave this key out",
    "bias": "there is always a bias; leave this key out",
    "validation_data": _VALIDATION,
    "validation_split": _VALIDATION,
    "validation_fraction": _VALIDATION,
    "loss": 'the loss is the last of the layers, such as {"type": "crossentropy"}; leave this key out',
}
"""What to do about keys that nothing in a spec corresponds to."""

KEYS_MEANT: Mapping[str, str] = {other: key for key, others in KEY_SYNONYMS.items() for other in others}
"""The key of a spec by each of its other names."""
