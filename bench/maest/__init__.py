"""MAEST against the published package: speed, equality, and what patchout costs in agreement."""
