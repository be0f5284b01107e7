# SSH keys, certificates and lists.
