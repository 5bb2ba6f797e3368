"""Losses and metrics with options, and the data they are compared with Keras on."""

from __future__ import annotations

import numpy as np

N, CLASSES = 12, 5

#: name: (class, options, kind of data)
LOSSES = {
    "mse": ("MeanSquaredError", {}, "real"),
    "mse sum": ("MeanSquaredError", {"reduction": "sum"}, "real"),
    "mse by weights": ("MeanSquaredError", {"reduction": "mean_with_sample_weight"}, "real"),
    "mae": ("MeanAbsoluteError", {}, "real"),
    "mape": ("MeanAbsolutePercentageError", {}, "real"),
    "msle": ("MeanSquaredLogarithmicError", {}, "real"),
    "huber": ("Huber", {"delta": 0.7}, "real"),
    "log_cosh": ("LogCosh", {}, "real"),
    "poisson": ("Poisson", {}, "counts"),
    "hinge": ("Hinge", {}, "signs"),
    "hinge binary": ("Hinge", {}, "binary"),
    "squared_hinge": ("SquaredHinge", {}, "signs"),
    "categorical_hinge": ("CategoricalHinge", {}, "one-hot"),
    "kld": ("KLDivergence", {}, "distributions"),
    "cosine": ("CosineSimilarity", {}, "real"),
    "cosine 1": ("CosineSimilarity", {"axis": 1}, "images"),
    "bce": ("BinaryCrossentropy", {"label_smoothing": 0.1}, "binary"),
    "bce logits": ("BinaryCrossentropy", {"from_logits": True}, "binary scores"),
    "bfce": ("BinaryFocalCrossentropy", {}, "binary"),
    "bfce balanced": (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "label_smoothing": 0.1},
        "binary",
    ),
    "bfce logits": ("BinaryFocalCrossentropy", {"from_logits": True}, "binary scores"),
    "cce": ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "one-hot"),
    "cce images": ("CategoricalCrossentropy", {}, "one-hot images"),
    "cfce": ("CategoricalFocalCrossentropy", {"gamma": 1.5, "label_smoothing": 0.1}, "one-hot"),
    "cfce alphas": (
        "CategoricalFocalCrossentropy",
        {"alpha": [0.1, 0.2, 0.3, 0.4, 0.5]},
        "one-hot",
    ),
    "cfce logits": ("CategoricalFocalCrossentropy", {"from_logits": True}, "one-hot scores"),
    "scce": ("SparseCategoricalCrossentropy", {}, "labels"),
    "scce ignore": ("SparseCategoricalCrossentropy", {"ignore_class": 2}, "labels"),
    "scce images": ("SparseCategoricalCrossentropy", {}, "label images"),
    "cgce": ("CategoricalGeneralizedCrossEntropy", {"q": 0.3}, "labels"),
    "dice": ("Dice", {}, "images"),
    "dice per image": ("Dice", {"axis": [1, 2, 3]}, "images"),
    "dice per channel": ("Dice", {"axis": [1, 2], "reduction": "sum"}, "images"),
    "tversky": ("Tversky", {"alpha": 0.3, "beta": 0.7}, "images"),
    "tversky per image": ("Tversky", {"axis": [1, 2, 3]}, "images"),
}
#: Losses of a whole batch, or of something else than rows, to which Keras does not apply weights
#: of samples in a meaningful way.
UNWEIGHTED = ("dice", "dice per channel", "tversky", "cosine 1", "cce images", "scce images")

_CONFUSION = ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives")
_AT = {
    "PrecisionAtRecall": {"recall": 0.6},
    "RecallAtPrecision": {"precision": 0.4},
    "SensitivityAtSpecificity": {"specificity": 0.6},
    "SpecificityAtSensitivity": {"sensitivity": 0.6},
}
METRICS = {
    "accuracy": ("Accuracy", {}, "classes"),
    "binary_accuracy": ("BinaryAccuracy", {"threshold": 0.3}, "binary"),
    "categorical_accuracy": ("CategoricalAccuracy", {}, "one-hot"),
    "sparse_categorical_accuracy": ("SparseCategoricalAccuracy", {}, "labels"),
    "top_k": ("TopKCategoricalAccuracy", {"k": 2}, "one-hot"),
    "sparse_top_k": ("SparseTopKCategoricalAccuracy", {"k": 3}, "labels"),
    "mse": ("MeanSquaredError", {}, "real"),
    "rmse": ("RootMeanSquaredError", {}, "real"),
    "mae": ("MeanAbsoluteError", {}, "real"),
    "mape": ("MeanAbsolutePercentageError", {}, "real"),
    "msle": ("MeanSquaredLogarithmicError", {}, "real"),
    "log_cosh": ("LogCoshError", {}, "real"),
    "cosine": ("CosineSimilarity", {}, "real"),
    "hinge": ("Hinge", {}, "signs"),
    "squared_hinge": ("SquaredHinge", {}, "signs"),
    "categorical_hinge": ("CategoricalHinge", {}, "one-hot"),
    "kld": ("KLDivergence", {}, "distributions"),
    "poisson": ("Poisson", {}, "counts"),
    "pearson": ("PearsonCorrelation", {}, "real"),
    "concordance": ("ConcordanceCorrelation", {}, "real"),
    "bce": ("BinaryCrossentropy", {"label_smoothing": 0.1}, "binary"),
    "cce": ("CategoricalCrossentropy", {"from_logits": True}, "one-hot scores"),
    "scce": ("SparseCategoricalCrossentropy", {}, "labels"),
    "r2": ("R2Score", {}, "real"),
    "r2 none": ("R2Score", {"class_aggregation": None}, "real"),
    "r2 variance": (
        "R2Score",
        {"class_aggregation": "variance_weighted_average", "num_regressors": 2},
        "real",
    ),
    **{name: (name, {}, "one output") for name in _CONFUSION},
    **{f"{name} at": (name, {"thresholds": [0.2, 0.5, 0.7]}, "binary") for name in _CONFUSION},
    "precision": ("Precision", {}, "binary"),
    "precision at": ("Precision", {"thresholds": [0.1, 0.5, 0.9]}, "binary"),
    "precision top": ("Precision", {"top_k": 2}, "one-hot"),
    "precision class": ("Precision", {"class_id": 1, "thresholds": 0.25}, "one-hot"),
    "precision top class": ("Precision", {"class_id": 1, "top_k": 2}, "one-hot"),
    "recall": ("Recall", {}, "one output"),
    "recall at": ("Recall", {"thresholds": [0.1, 0.5, 0.9]}, "binary"),
    "recall top": ("Recall", {"top_k": 3}, "one-hot"),
    "recall images": ("Recall", {"thresholds": 0.4}, "images"),
    **{name: (name, options, "one output") for name, options in _AT.items()},
    **{
        f"{name} class": (name, {**options, "num_thresholds": 7, "class_id": 2}, "one-hot")
        for name, options in _AT.items()
    },
    "auc": ("AUC", {}, "one output"),
    "auc matrix": ("AUC", {"num_thresholds": 11}, "binary"),
    "auc logits": ("AUC", {"from_logits": True}, "binary scores"),
    "auc own": ("AUC", {"thresholds": [0.1, 0.35, 0.5, 0.9]}, "binary"),
    **{
        f"auc {curve} {method}": (
            "AUC",
            {"num_thresholds": 9, "curve": curve, "summation_method": method},
            "binary",
        )
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "minoring", "majoring")
    },
    "auc labels": ("AUC", {"multi_label": True, "num_labels": CLASSES}, "binary"),
    "auc label weights": (
        "AUC",
        {
            "multi_label": True,
            "num_labels": CLASSES,
            "curve": "PR",
            "label_weights": [0.1, 0.2, 0.3, 0.2, 0.2],
        },
        "binary",
    ),
    "auc weighted": ("AUC", {"label_weights": [0.1, 0.2, 0.3, 0.2, 0.2]}, "binary"),
    "f1": ("F1Score", {}, "one-hot"),
    "f1 threshold": ("F1Score", {"threshold": 0.3, "average": "weighted"}, "binary"),
    "f1 micro": ("F1Score", {"average": "micro"}, "one-hot"),
    "fbeta": ("FBetaScore", {"beta": 2.0, "average": "macro", "threshold": 0.5}, "binary"),
    "iou": ("IoU", {"num_classes": CLASSES, "target_class_ids": [0, 2]}, "classes"),
    "iou ignore": (
        "IoU",
        {"num_classes": CLASSES, "target_class_ids": [0, 2], "ignore_class": 1},
        "classes",
    ),
    "binary_iou": ("BinaryIoU", {"target_class_ids": [0, 1], "threshold": 0.3}, "images"),
    "mean_iou": ("MeanIoU", {"num_classes": CLASSES}, "classes"),
    "one_hot_iou": (
        "OneHotIoU",
        {"num_classes": CLASSES, "target_class_ids": [0, 1]},
        "one-hot images",
    ),
    "one_hot_mean_iou": ("OneHotMeanIoU", {"num_classes": CLASSES}, "one-hot images"),
    "mean_iou scores": (
        "MeanIoU",
        {"num_classes": CLASSES, "sparse_y_pred": False},
        "label images",
    ),
}


def make(kind: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return targets, predictions and one weight per sample, float32."""
    rng = np.random.default_rng(seed)
    images = "images" in kind
    shape = (N, 3, 4, CLASSES) if images else (N, 1 if kind == "one output" else CLASSES)
    y, p = rng.normal(size=(2, *shape))
    labels = rng.integers(0, CLASSES, shape[:-1])
    probabilities = np.exp(p) / np.exp(p).sum(-1, keepdims=True)
    uniform = rng.uniform(0.02, 0.98, shape)
    data = {
        "real": (y, p),
        "counts": (np.floor(np.abs(3 * y)), np.abs(p) + 0.1),
        "signs": (np.where(y > 0, 1.0, -1.0), p),
        "binary": (np.where(y > 0.3, 1.0, 0.0), uniform),
        "one output": (np.where(y > 0.3, 1.0, 0.0), uniform),
        "images": (np.where(y > 0.3, 1.0, 0.0), uniform),
        "binary scores": (np.where(y > 0.3, 1.0, 0.0), p),
        "one-hot": (np.eye(CLASSES)[labels], probabilities),
        "one-hot images": (np.eye(CLASSES)[labels], probabilities),
        "one-hot scores": (np.eye(CLASSES)[labels], p),
        "distributions": (np.exp(y) / np.exp(y).sum(-1, keepdims=True), probabilities),
        "labels": (labels, probabilities),
        "label images": (labels, probabilities),
        "classes": (labels, rng.integers(0, CLASSES, shape[:-1])),
    }[kind]
    weights = rng.integers(0, 4, N)
    return data[0].astype(np.float32), data[1].astype(np.float32), weights.astype(np.float32)


def spread(weights: np.ndarray, kind: str, y: np.ndarray) -> np.ndarray:
    """Return weights of samples as weights of pixels, for metrics that need them."""
    if "images" not in kind:
        return weights
    shape = y.shape[:-1] if kind == "one-hot images" else y.shape
    return np.broadcast_to(weights.reshape(-1, *(1 for _ in shape[1:])), shape).copy()


def batches(*arrays: np.ndarray | None) -> list[tuple]:
    """Return three uneven batches."""
    rows = (slice(0, 3), slice(3, 8), slice(8, None))
    return [tuple(None if array is None else array[part] for array in arrays) for part in rows]
