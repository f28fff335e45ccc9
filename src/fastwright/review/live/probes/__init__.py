"""Probes of a live app: ``<name>.py`` defines a function of that name, stage and grid to proofs."""
