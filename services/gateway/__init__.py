"""The gateway: the door agents talk to; one model call in, one token record out."""
