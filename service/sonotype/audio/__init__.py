"""Bytes in, mono samples out: sniffing, decoding in limited child processes, resampling.

Untrusted bytes meet a decoder only inside a child process (`child`), started by the pool (`pool`). Nothing here
opens a path or an address.
"""
