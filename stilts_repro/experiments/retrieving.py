"""Measuring Tatoeba and BUCC with a model as it is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from stilts_repro.evaluation.predict import embed
from stilts_repro.experiments.inventory import PARTS
from stilts_repro.experiments.material import Material
from stilts_repro.experiments.records import Meter, Outcome, tolerated
from stilts_repro.experiments.scales import retrieval_layer
from stilts_repro.machine import Machine
from stilts_repro.metrics.morphology import UNSPACED, type_token_ratio
from stilts_repro.metrics.retrieval import nearest
from stilts_repro.tasks.retrieval import (
    NEIGHBOURS,
    Mining,
    Pool,
    accuracy_by_layer,
    alignment,
    geometry_by_layer,
    mine_pool,
)
from stilts_repro.tasks.targets import TARGET_TASKS

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Retriever:
    """A backbone and what it retrieves from."""

    backbone: "PreTrainedModel"
    material: Material
    meter: Meter
    machine: Machine

    def nearest(self, task: str, part: str) -> Outcome:
        """Find each English sentence's translation (Tatoeba), at every layer."""
        layers = range(self._layers + 1)
        held = self.material.inventory.evaluation(task, part)
        english_of = self._encoder((p.target for e in held.values() for p in e.examples), layers)
        by_layer, geometry, metrics, predictions, broken = {}, {}, {}, {}, {}
        for code, found in held.items():
            english = english_of([pair.target for pair in found.examples])
            other = self._embed([pair.source for pair in found.examples], layers)
            by_layer[code] = accuracy_by_layer(english, other)
            metrics[code] = {"accuracy": by_layer[code][self.layer]}
            metrics[code] |= alignment(english[self.layer], other[self.layer])
            metrics[code] |= _complexity(found.examples) if code not in UNSPACED else {}
            if len(found) > 1:  # else there are no two unrelated sentences
                geometry[code] = geometry_by_layer(english, other)
            broken[code] = _not_finite(torch.cat([english, other], dim=2).transpose(0, 1))
            predictions[code] = nearest(english[self.layer], other[self.layer]).tolist()
        settings = self._settings("cosine") | {"by_layer": by_layer, "geometry": geometry}
        kind = TARGET_TASKS[task].format
        counts = {code: len(found) for code, found in held.items()}
        return Outcome(
            kind.metric,
            metrics,
            predictions,
            tolerated(f"{self.material.job.title}, {task} {part}", broken, counts),
            {code: kind.floor(found.examples, code) for code, found in held.items()},
            settings,
        )

    def mining(self, task: str) -> dict[str, Outcome]:
        """Mine dev and test (BUCC); both are cut at the threshold that is best on dev."""
        dev = self._mine(task, "dev")
        thresholds = {code: found.mining.threshold() for code, found in dev.items()}
        outcomes, kind = {}, TARGET_TASKS[task].format
        for part in PARTS:
            mined = dev if part == "dev" else self._mine(task, part, [*thresholds])
            settings = self._settings("ratio margin") | {
                "k": NEIGHBOURS,
                "threshold": {code: thresholds[code] for code in mined},
                "threshold_source": "best F1 on dev",
                "pool": {code: found.pool.sizes() for code, found in mined.items()},
            }
            outcomes[part] = Outcome(
                kind.metric,
                {code: found.mining.metrics(thresholds[code]) for code, found in mined.items()},
                {code: found.mining.kept(thresholds[code]) for code, found in mined.items()},
                tolerated(
                    f"{self.material.job.title}, {task} {part}",
                    {code: found.broken for code, found in mined.items()},
                    {code: len(f.pool.source) + len(f.pool.target) for code, f in mined.items()},
                ),
                {code: kind.floor((), code) for code in mined},
                settings,
            )
        return outcomes

    @property
    def layer(self) -> int:
        """The layer that is read; 0 is the embeddings."""
        return retrieval_layer(self._layers)

    @property
    def _layers(self) -> int:
        return int(self.backbone.config.num_hidden_layers)

    def _mine(
        self, task: str, part: str, codes: Sequence[str] | None = None
    ) -> "dict[str, _Mined]":
        """Mine the languages `codes` (None: all) of a part; one without a threshold has no F1."""
        pools = {
            code: pool
            for code, pool in self.material.pools(task, part).items()
            if codes is None or code in codes
        }
        layers = [self.layer]
        english_of = self._encoder((s for pool in pools.values() for s in pool.target), layers)
        found = {}
        for code, pool in pools.items():
            source, target = self._embed(pool.source, layers)[0], english_of(pool.target)[0]
            with self.meter.phase("score"):
                # All pairs of sentences are compared: a GPU does it, where the backbone is on one.
                device = self.backbone.device
                mining = mine_pool(pool, source.to(device), target.to(device))
            found[code] = _Mined(pool, mining, _not_finite(torch.cat([source, target])))
        return found

    def _encoder(
        self, sentences: Iterable[str], layers: Sequence[int]
    ) -> Callable[[Sequence[str]], Tensor]:
        """Encode `sentences`, each once; return what gives the vectors of any of them.

        English sentences come in many languages' pairs.
        """
        places = {sentence: place for place, sentence in enumerate(dict.fromkeys(sentences))}
        vectors = self._embed([*places], layers)
        return lambda wanted: vectors[:, [places[sentence] for sentence in wanted]]

    def _embed(self, sentences: Sequence[str], layers: Sequence[int]) -> Tensor:
        with self.meter.phase("tokenise"):
            features = self.material.sentences(sentences)
        self.meter.tokens += features.tokens
        with self.meter.phase("evaluate"):
            pad_id = int(self.material.tokenizer.pad_token_id)
            return embed(self.backbone, features, pad_id, layers, self.machine)

    def _settings(self, scoring: str) -> dict[str, Any]:
        return {
            "layer": self.layer,
            "pooling": "mean",
            "max_length": self.material.job.setting.retrieval_length,
            "scoring": scoring,
            "k": None,
            "threshold": None,
            "threshold_source": None,
        }


def _complexity(pairs: Sequence[Any]) -> dict[str, float]:
    """Return the type-token ratio of the sentences, and that over their English sides' own.

    Languages have other sentences in Tatoeba: the English sides take away what these bring.
    """
    own = type_token_ratio(pair.source for pair in pairs)
    english = type_token_ratio(pair.target for pair in pairs)
    if own is None or english is None:
        return {}
    return {"type_token_ratio": own, "type_token_ratio_to_english": own / english}


@dataclass(frozen=True)
class _Mined:
    """What was mined from a pool; `broken` are places of sentences, English ones after the rest."""

    pool: Pool
    mining: Mining
    broken: list[int]


def _not_finite(vectors: Tensor) -> list[int]:
    """Return the places of the rows of `vectors` [n, ...] that hold a number that is not finite."""
    return (~torch.isfinite(vectors.flatten(1)).all(dim=1)).nonzero().flatten().tolist()
