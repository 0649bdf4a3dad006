"""One network trained by Lightning: how it is built, stepped, evaluated, measured and recorded."""
