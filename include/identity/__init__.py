"""One person, one id: the same person found across registries, by what contracts say of their columns."""
