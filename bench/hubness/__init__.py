"""How hubby are the embeddings, and which correction helps?"""
