"""The forms in which dialogue data comes: what each looks like, how it is read, and what it can hold."""
