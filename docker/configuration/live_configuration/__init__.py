"""Keeps a server's configuration at the version that a small object in S3 names.

Runs beside Prometheus or Alertmanager, and shares a folder with it:

    render.sh    left there by the server: how its configuration is filled in
    first/       the version that the server's image came with
    <sha256>/    each version that was fetched since, filled in
    current      link to the one that is live, which the server reads
    attempted    is there after the first attempt: the server waits for it, but not for long

In the bucket, `<server>/<sha256>.tar.gz` is a version, and `<server>/current` names the one that is
wanted. A version becomes current only if it is complete, can be unpacked and filled in, and passes
the server's own checks. Until then, and whatever happens to the bucket, the last good one stays.
"""
