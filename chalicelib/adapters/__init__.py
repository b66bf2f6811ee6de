"""Every call to AWS or over HTTP, and nothing else that knows boto3 or botocore."""
