"""Asks an S3 service by botocore, and says the answer in JSON. The arguments are a file of settings and what is to be
done: `make BUCKET`, `keys BUCKET PREFIX`, `read BUCKET KEY` (in base64), `write BUCKET KEY TEXT` or
`uploads BUCKET`."""

import base64
import json
import os
import sys

from botocore.config import Config
from botocore.session import Session

# Nobody's own configuration, and no proxy.
os.environ.clear()
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

with open(sys.argv[1]) as file:
    settings = json.load(file)

s3 = Session().create_client(
    "s3",
    settings["region"],
    endpoint_url=settings["url"],
    verify=settings["ca"],
    aws_access_key_id=settings["id"],
    aws_secret_access_key=settings["secret"],
    config=Config(s3={"addressing_style": "path"}),
)


def every(operation, found, **asked):
    """What is found under a name on all pages of an answer."""
    pages = s3.get_paginator(operation).paginate(**asked)
    return [one["Key"] for page in pages for one in page.get(found, [])]


def make(bucket):
    # Everybody may read what is in it.
    s3.create_bucket(Bucket=bucket, ACL="public-read")


def keys(bucket, prefix):
    return every("list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix)


def read(bucket, key):
    return base64.b64encode(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).decode()


def write(bucket, key, text):
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode())


def uploads(bucket):
    return every("list_multipart_uploads", "Uploads", Bucket=bucket)


what = {"make": make, "keys": keys, "read": read, "write": write, "uploads": uploads}[sys.argv[2]]
print(json.dumps(what(*sys.argv[3:])))
