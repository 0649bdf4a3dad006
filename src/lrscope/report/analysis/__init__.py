"""What follows from a stored sweep: comparison, ranking, recommendation.

Plain data in, plain data out. The figures and the output use it.

    comparison, member_numbers    members side by side, and the numbers of each
    estimates, wilson, noise      means and shares with their intervals; what counts as equal
    recommend, recommendation     which setting, and how sure
    choice, safest, ranking       how it is chosen: what fails for fewest seeds, then the loss
    sentences, cautions           the same in words, and what speaks against it
    rate_curve, gaussian_process  a smooth curve through the rates, and where its lowest point lies
    contenders                    the settings that are worth more seeds
    no_choice                     where none can be recommended
    sensitivity                   how much the rate matters
    next_commands, next_runs      which command to try next, and its words
"""
