"""Virtual time: the core's order and slots, with a service model in place of the GPU."""
