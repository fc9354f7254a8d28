"""What the CIFAR-10 chapter shows: its live run, the mechanism, its plots and its tables."""
