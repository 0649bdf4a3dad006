"""What follows from a stored sweep: comparison, ranking, recommendation.

Plain data in, plain data out. The figures and the output use it.

    comparison, member_numbers    members side by side, and the numbers of each
    judged_by                     the loss or metric that decides, and which way it improves
    estimates, wilson, noise      means and shares with their intervals; what counts as equal
    recommend, recommendation     which setting, and how sure
    choice, safest, ranking       how it is chosen: what fails for fewest seeds, then the loss
    sentences, cautions           the same in words, and what speaks against it
    rate_curve, gaussian_process  a smooth curve through the rates, and where its lowest point lies
    rate_law, valley, find_words  from the best rates of short trainings to that of a long one, and in words
    warm_up                       whether the first updates at that rate need one
    contenders                    the settings that are worth more seeds
    regression                    whether one setting is worse than another
    stopped_by_search             what members would about have come to that a search stopped, and what that saved
    no_choice                     where none can be recommended
    own_unit                      the loss in the user's unit, where targets were standardised
    sensitivity                   how much the rate matters
    importance                    how much each of more than two swept numbers matters
    next_commands, next_runs      which command to try next, and its words
"""
