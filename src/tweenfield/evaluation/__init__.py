"""A video in; how good the frames are that are drawn in place of hidden ones out: scores, pictures, cost."""
