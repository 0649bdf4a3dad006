"""lrscope trains PyTorch models over a sweep of learning rates and says which rate to use and why the others failed."""

from lrscope.core.moved_names import keep_moved_names

keep_moved_names()
