"""The networks, one a file. Constructors take ``input_shape`` (of one example) and ``outputs``."""
