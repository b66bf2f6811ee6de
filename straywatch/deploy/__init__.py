"""From the sources to a deployment, and from a deployment to none."""
