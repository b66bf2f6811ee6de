"""The doctor: whether a deployment is able to hear, look, remember and speak. It only reads."""
