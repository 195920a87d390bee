"""What the search agent tells the model."""

SYSTEM_PROMPT = (
    "Answer the question with the tools. One page rarely has the whole answer: search, open and follow links "
    "step by step. When you are sure, reply without a tool call and end with a line of this form:\n"
    "Answer: <the answer>"
)
