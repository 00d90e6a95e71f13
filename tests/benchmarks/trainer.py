"""transformers' `Trainer` on the rows, in the order and with the schedule of our loop.

In two set-ups: as the text-classification example ships it (every row padded to the length limit,
the rows in a `datasets.Dataset`), and tuned by what its options offer (a batch padded to its
longest row, rows of like length together, no copy of the rows on disk). Both get SDPA attention and
fused AdamW, which are `Trainer`'s defaults today, and our precision.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import (
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    XLMRobertaForSequenceClassification,
    default_data_collator,
)

from stilts_repro.data.features import Features
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.training.optimiser import Recipe, schedule
from tests.benchmarks.given import LIMITS, pad_id, tokenizer
from tests.benchmarks.timing import device, machine


def classifier(ours: MultiTaskModel, task: str) -> XLMRobertaForSequenceClassification:
    """Return transformers' class with the weights of `ours`."""
    config = type(ours.backbone.config).from_dict(ours.backbone.config.to_dict())
    config.num_labels = ours.formats[task].outputs
    config._attn_implementation = "sdpa"
    model = XLMRobertaForSequenceClassification(config)
    weights = ours.state_dict()
    model.roberta.load_state_dict(
        {name: value for name, value in ours.backbone.state_dict().items() if "pooler" not in name}
    )
    for theirs, own in (("dense", "backbone.pooler.dense"), ("out_proj", f"heads.{task}.linear")):
        getattr(model.classifier, theirs).load_state_dict(
            {part: weights[f"{own}.{part}"] for part in ("weight", "bias")}
        )
    return model.to(device())


def as_shipped(features: Features, longest: int = LIMITS.max_length) -> datasets.Dataset:
    """Return rows padded to the length limit, `longest`."""
    rows = unpadded(features)
    for row in rows:
        missing = longest - len(row["input_ids"])
        row["input_ids"] += [pad_id()] * missing
        row["attention_mask"] += [0] * missing
    return datasets.Dataset.from_list(rows)


def unpadded(features: Features) -> list[dict[str, Any]]:
    """Return rows as they are."""
    bounds = zip(features.offsets[:-1], features.offsets[1:], strict=True)
    return [
        {
            "input_ids": features.ids[low:high].tolist(),
            "attention_mask": [1] * int(high - low),
            "label": int(label),
        }
        for (low, high), label in zip(bounds, features.unit["label"], strict=True)
    ]


class Ordered(Trainer):
    """A `Trainer` that takes rows in a given order and our learning rates."""

    order: Sequence[int]
    recipe: Recipe

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self.order

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        def rate(step: int) -> float:
            return schedule((step + 1) / num_training_steps, self.recipe.warmup)

        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, rate)
        return self.lr_scheduler


def trainer(
    model: torch.nn.Module,
    rows: Any,
    order: Sequence[int],
    recipe: Recipe,
    folder: Path,
    *,
    tuned: bool,
    log: bool = False,
) -> Ordered:
    """Return a `Trainer` for one pass over `order`; with `log` it tells the loss of every step."""
    collate: Callable[..., Any] = (
        DataCollatorWithPadding(tokenizer()) if tuned else default_data_collator
    )
    found = Ordered(
        model=model,
        args=TrainingArguments(
            output_dir=str(folder),
            per_device_train_batch_size=recipe.batch_size,
            num_train_epochs=1,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            adam_epsilon=recipe.epsilon,
            max_grad_norm=recipe.clip,
            bf16=machine().bf16,
            use_cpu=device().type == "cpu",
            optim="adamw_torch_fused",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            logging_strategy="steps" if log else "no",
            logging_steps=1,
            dataloader_pin_memory=device().type == "cuda",
        ),
        train_dataset=rows,
        data_collator=collate,
    )
    found.order, found.recipe = list(order), recipe
    return found
