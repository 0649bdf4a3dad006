"""lrscope trains PyTorch models over a sweep of learning rates and says which rate to use and why the others failed."""
