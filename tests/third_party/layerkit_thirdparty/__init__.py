"""Components as a third party would write them, one a file, from the public contracts alone."""

from __future__ import annotations

from collections.abc import Sequence

from layerkit import Component, hookimpl
from layerkit_thirdparty.adagrad import Adagrad
from layerkit_thirdparty.adamw import AdamW
from layerkit_thirdparty.attention import SelfAttention
from layerkit_thirdparty.average import ParameterAverage
from layerkit_thirdparty.batch_norm import BatchNorm
from layerkit_thirdparty.binary import BinaryCrossEntropy
from layerkit_thirdparty.columns import Block, Columns
from layerkit_thirdparty.dropout import Dropout
from layerkit_thirdparty.embedding import Embedding
from layerkit_thirdparty.gradient_norms import GradientNorms
from layerkit_thirdparty.lamb import LAMB
from layerkit_thirdparty.lbfgs import LBFGS
from layerkit_thirdparty.lion import Lion
from layerkit_thirdparty.memory_mapped import FileSamples, MemoryMapped
from layerkit_thirdparty.moons import Moons
from layerkit_thirdparty.multi_label import MultiLabelCrossEntropy
from layerkit_thirdparty.nadam import NAdam
from layerkit_thirdparty.pinball import Pinball
from layerkit_thirdparty.plateau import Plateau
from layerkit_thirdparty.prelu import PReLU
from layerkit_thirdparty.ranking import Ranking
from layerkit_thirdparty.recurrent import Recurrent
from layerkit_thirdparty.top_k import TopK
from layerkit_thirdparty.warmup_cosine import WarmupCosine

LAYERKIT_API = 2
COMPONENTS: Sequence[type[Component]] = (
    *(AdamW, Lion, Adagrad, NAdam, LBFGS, LAMB),
    *(Pinball, MultiLabelCrossEntropy, Ranking, BinaryCrossEntropy),
    *(ParameterAverage, GradientNorms),
    *(Plateau, WarmupCosine),
    *(TopK,),
    *(BatchNorm, Dropout, Embedding, SelfAttention, Columns, Recurrent, PReLU),
    *(MemoryMapped, Moons),
)

__all__ = ["COMPONENTS", "Block", "FileSamples", *(cls.__name__ for cls in COMPONENTS)]  # noqa: PLE0604


@hookimpl
def layerkit_components() -> Sequence[type[Component]]:
    return COMPONENTS
