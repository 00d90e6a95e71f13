"""Reproduction of Phang et al. (AACL 2020): intermediate training for cross-lingual transfer."""

__version__ = "0.1.0"
