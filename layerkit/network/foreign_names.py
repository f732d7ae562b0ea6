"""What other libraries call things: for the error about a name that a `Sequential` does not have."""

from __future__ import annotations

ADVICE = {
    "add": "a network is described whole, as a list of layers: Sequential([...])",
    "build": "a Sequential is built when it is made, from its input_shape",
    "classes_": "classes are the columns of predict, counted from 0",
    "compile": "fit takes the optimizer and the metrics, and the loss is the last of the layers",
    "count_params": "write model.parameters.size",
    "decision_function": "write logits(inputs)",
    "eval": "predict, logits, loss and evaluate are in prediction mode by themselves",
    "forward": "write predict(inputs), or logits(inputs)",
    "get_config": "write model.spec.model_dump()",
    "get_weights": 'write model.parameters, or model["affine_1"].params.weight',
    "load_state_dict": "write load_weights(path), or assign to model.parameters",
    "load_weight": "write load_weights(path)",
    "partial_fit": "fit goes on where the last call ended, with the same optimizer",
    "predict_classes": "write predict(inputs).argmax(axis=1)",
    "predict_proba": "write predict(inputs), which gives probabilities",
    "score": 'write evaluate(inputs, targets, metrics=["accuracy"])',
    "set_weights": "assign to model.parameters",
    "state_dict": "write save(path), or model.parameters",
    "step": "fit makes the steps; by hand: loss_and_gradients, then change model.parameters",
    "to_json": "write model.spec.model_dump_json()",
    "train": "write fit(inputs, targets)",
    "train_on_batch": "write loss_and_gradients(inputs, targets), then change model.parameters",
    "weights": 'write model.parameters, or model["affine_1"].params.weight',
    "zero_grad": "gradients are overwritten by each backward pass",
}
