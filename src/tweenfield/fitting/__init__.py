"""A video, its flow and a recipe in, a fitted field out."""
