"""What an AWS account needs before GitHub can deploy to it: state, key, identities, rights.

`github.template.json` is generated from here, and applied once with CloudFormation, which needs no
bucket of ours for its own state (docs/github.md).
"""
