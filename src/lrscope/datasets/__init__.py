"""The data sets, one a file; each is a function that returns a :class:`lrscope.datasets.data.Data`."""
