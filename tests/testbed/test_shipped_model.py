import json

from transformers import AutoModelForMaskedLM, AutoTokenizer

from stilts_repro.experiments.scales import TESTBED_MODEL
from stilts_repro.models.backbone import fingerprint
from stilts_repro.testbed import TestbedSource


def test_the_shipped_model_is_the_one_its_card_describes():
    card = json.loads((TESTBED_MODEL / "pretraining.json").read_text())
    assert card["hash"] == fingerprint(str(TESTBED_MODEL))
    assert (TESTBED_MODEL / "model.safetensors").stat().st_size < 8 * 2**20


def test_the_shipped_model_knows_every_language_of_the_testbed():
    """Masked words of held-out documents are predicted far better than the vocabulary's guess."""
    tokenizer = AutoTokenizer.from_pretrained(TESTBED_MODEL)
    model = AutoModelForMaskedLM.from_pretrained(TESTBED_MODEL).eval()
    source = TestbedSource()
    for code in source.languages:
        documents = source.documents(code, "test")
        batch = tokenizer([next(documents) for _ in range(8)], padding=True, return_tensors="pt")
        gold = batch["input_ids"].clone()
        places = (gold > 4) & (gold.new_tensor(range(gold.shape[1])) % 7 == 3)
        batch["input_ids"][places] = tokenizer.mask_token_id
        predicted = model(**batch).logits.argmax(dim=-1)
        assert (predicted == gold)[places].float().mean() > 0.5, code
