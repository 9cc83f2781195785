"""What every server of ours is made of: an image, and a container service on Fargate."""
