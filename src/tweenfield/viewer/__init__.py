"""A fitted field or a video in, a page in the browser that shows any time of it out."""
