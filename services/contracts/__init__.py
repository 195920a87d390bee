"""The words of Podium: everything that crosses a process boundary, frozen and without I/O.

HTTP bodies are pydantic models; what travels through Redis is msgspec structs with raw arrays.
"""
