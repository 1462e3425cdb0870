"""A Lambda runtime executor for LocalEmu: one process of this machine per execution environment, no containers."""
