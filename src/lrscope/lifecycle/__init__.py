"""From the found rate to a model in use, and back to the run that it came from.

register        the best member's model into MLflow's registry, where it is better than the one in use
candidate       the run that is to be registered, and what is known of it
score           what it reached, with its interval over seeds: as a tag, and against another one
serve_model     MLflow's own scoring server with a registered model
recorded        what the store says of a run that is to be trained again: command, config, code, environment, data
differences     what is otherwise here, key by key
train_again     the same training in a process of its own, also in the code of its commit
same_numbers    the two runs compared, point by point and weight by weight
old_runs        which runs are old and not worth keeping; clean_up: what they take, and what removes them
"""
