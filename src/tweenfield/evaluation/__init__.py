"""A video with held-out frames in; scores, pictures and cost of rendering them out."""
