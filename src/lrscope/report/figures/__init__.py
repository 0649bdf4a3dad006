"""The figures: what they show as plain data, and how matplotlib draws it.

The output uses them. Only here is matplotlib known.

    figure_data, limits, colours    what is shown, on which axes, with which marks
    loss_figure, curve_figure, frames, draw    how
"""
