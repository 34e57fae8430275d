"""The gRPC face."""

from sonotype.api.grpc.server import GrpcServer, create_grpc_server

__all__ = ["GrpcServer", "create_grpc_server"]
