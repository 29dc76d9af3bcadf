"""Raw images in, a prepared store out. Everything that is read from `data/raw` is untrusted."""
