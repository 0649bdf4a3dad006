"""Carries journals into the store, beside the training and later."""
