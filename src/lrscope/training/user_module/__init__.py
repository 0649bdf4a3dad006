"""A LightningModule of the user's: its own steps, hooks and metrics, with lrscope's record around them.

optimizers            the config's optimizer and schedule in the place of its own, or its own
set_rates             the config's rate in optimizers that were made at another
words_on_rates        whose optimizer it is, and how the rate reaches it
manual_steps          what optimizers do that the module steps by itself
record_module_steps   every step: its loss as ``training_step`` returned it, rates, signals
at_fixed_weights      the training part by its own ``validation_step``, on a copy
attach_data           a DataModule of the user's beside it
recognised_loss       whether its loss is one that is known here
evaluate_module       what an epoch's end records of it
record_logged_values  what it logs by ``self.log``, under its own names
unread_keys           what of the config it leaves no use for
choose_threads        threads of the processor, by its first batch
remembered            what it remembers beside its weights
carry_module          that, and what it logged in an epoch, through the checkpoints
behind_batches        saves and stops behind its own hooks
make_module           made, where it has what every training needs
few_batches           what it is rehearsed on
rehearse_module       one batch through all of it before a run is made
"""
