"""The use cases. REST, gRPC and the command line call these and nothing below them."""
