"""The fine-tuning loop, task sampling, masked language modelling, pre-training."""
