"""Linking persons across registries: records, a trained linkage model, scores, clusters, stable person ids.

Packages in the order of the work: `records`, `linkage_model`, `scoring`, `persons`; `linking` runs them.
"""
