"""The catalogue on Milvus: for catalogues that outgrow one machine, or that several gateways share."""
