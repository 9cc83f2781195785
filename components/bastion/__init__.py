"""A host to reach servers through, for those who want one: Session Manager needs none."""

from components.bastion.bastion import Bastion, BastionArgs

__all__ = ["Bastion", "BastionArgs"]
