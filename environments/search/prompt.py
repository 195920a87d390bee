"""What the search agent tells the model."""

from environments.agent import Prompt

PROMPT = Prompt(
    system="Answer the question with the tools. One page rarely has the whole answer: search, open and "
    "follow links step by step. When you are sure, reply without a tool call and end with a line of this "
    "form:\nAnswer: <the answer>",
    advice="The tool call could not be read. Call a tool with a JSON object that has its one argument.",
)
