"""The types of resources that the doctor knows, each as data: how to read it and put it back."""
