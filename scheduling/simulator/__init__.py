"""The simulator: the scheduler of `scheduling.core` in virtual time, with a model of the GPU."""
