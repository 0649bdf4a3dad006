"""The networks, one a file. Constructors take ``input_shape`` (of one example) and ``outputs``.

``conf/model`` names them; of the rest only ``batched.model`` knows them by name.

    mlp, cnn, linear              the networks
    activation, initialisation    what several of them are made of
"""
