"""Weights and checkpoints in files: safetensors, written whole or not at all."""
