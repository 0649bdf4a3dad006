"""Runs as trials of a search: what each is judged by, and who of them leaves where they do not all train as one model.

judged_curve      what a member is judged by, and when
stop_each         judges members that do not all train as one batched model
earlier_arrivals  what the store has of members that earlier commands trained
"""
