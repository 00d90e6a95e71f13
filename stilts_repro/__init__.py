"""Reproduce Phang et al. (AACL 2020): intermediate training and zero-shot cross-lingual transfer."""

__version__ = "0.1.0"
