"""A stand-in for EC2, SSM, SQS, STS, IAM and Pricing: moto, made stricter where it is kinder than the real one."""
