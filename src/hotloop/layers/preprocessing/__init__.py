"""Layers that prepare data: scaling, binning, hashing and looking up."""
