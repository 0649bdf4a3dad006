"""What follows from a stored sweep: comparison, ranking, recommendation.

Plain data in, plain data out. The figures and the output use it.

    comparison, member_numbers    members side by side, and the numbers of each
    estimates, wilson, noise      means and shares with their intervals; what counts as equal
    recommend, recommendation, safest, ranking    which setting, and how sure
    no_choice                     where none can be recommended
    sensitivity                   how much the rate matters
    next_runs                     the command to try next
"""
