"""What a training knows while it runs: written by a callback, read by the studio's page /live."""
