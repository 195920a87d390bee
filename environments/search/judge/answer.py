"""What of a last message is the answer."""

import re

_MARK = re.compile(r"^[ \t>*_#-]*(?:final |exact )?answer\b[*_ \t]*:[*_ \t]*", re.IGNORECASE | re.MULTILINE)
_LONGEST = 300


def answer_of(reply: str) -> str:
    """What follows the last "Answer:" that begins a line, or else the whole reply; "" if there is none.

    It must be the end of the reply, on one line, and no longer than an answer can be: a list is no answer.
    """
    spoken = reply.rpartition("</think>")[2]
    answer = _MARK.split(spoken)[-1].strip(" \t\r\n*_`")
    return answer if len(answer) <= _LONGEST and len(answer.splitlines()) <= 1 else ""
