"""Where a server's data is: a volume that outlives its task, on a host of the server's own."""

from components.storage.hosts import data_hosts
from components.storage.replace_hosts import replace_hosts_command
from components.storage.storage_args import STORAGE, StorageArgs

__all__ = ["STORAGE", "StorageArgs", "data_hosts", "replace_hosts_command"]
