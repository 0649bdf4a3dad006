"""The networks, one a file. Constructors take ``input_shape`` (of one example) and ``outputs``; those for sequences
are told of their tokens too.

``conf/model`` names them; of the rest only ``batched.model`` knows them by name.

    mlp, cnn, linear, resnet                        the networks
    gru, transformer                                those for sequences
    hf, timm                                        pretrained ones, of transformers and of timm
    low_rank                                        adapters that are trained instead of such a network's body
    activation, initialisation, sequence_inputs     what several of them are made of
"""
