"""Train generative adversarial networks on images, reproducibly."""
