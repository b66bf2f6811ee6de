"""The types of resources that the doctor knows, one module for each service."""
