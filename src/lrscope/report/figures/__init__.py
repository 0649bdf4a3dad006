"""The figures: what they show as plain data, and how matplotlib draws it.

The output uses them. Only here is matplotlib known.

    shown, figure_data    what is shown, as plain data, and how a comparison becomes that
    loss_panels, curve_panels, end_labels    its frames, and the names of the curves
    short_names    without the folder that all lie in
    heat_map, loss_words    two swept axes as a map; words below the figure of the loss
    limits, colours, swept_colours    on which axes, with which marks and colours
    loss_figure, curve_figure, heat_figure, find_figure, frames, draw    how
"""
