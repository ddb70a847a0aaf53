"""The Predict step."""
