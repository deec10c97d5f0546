"""The catalogue to Kubernetes: for each router the objects that bring its documents from the store into its pods.

Everything here is known without a cluster and holds no secret: the pods' secrets are named, never read.
"""
