"""Losses that torch has in another form: a mean over the examples, to which a large set can be added up in pieces.

cross_entropy           of classes, with label smoothing and weights of the classes
binary_cross_entropy    of yes and no in one answer, or of several labels
class_weights           the weights that count every class alike
"""
