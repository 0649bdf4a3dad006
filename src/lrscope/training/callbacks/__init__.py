"""Lightning callbacks: what is measured while a run trains, when it stops, what is saved.

``runs`` and ``batched.run`` use them; users' files name ``own``.

    record_steps, follow_parameters, count_examples        every step: losses, rates, signals
    evaluate_epochs, evaluate_late, measure_sharpness      at fixed weights
    stop_at_signal, stop_at_verdict, stop_at_length        when to stop
    keep_checkpoints, show_progress                        what to save, what to show
    require_metrics                                        a metric that is looked at and that nobody records
    own, record_logged                                     a user's own values in the record
"""
