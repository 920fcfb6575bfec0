"""Virtual time: the core's order and seats, with a service model in place of the GPU."""
