"""CIFAR-10: the data, pretext tasks, networks, their training, and the linear probe."""
