"""What the slides agent tells the model."""

from environments.agent import Prompt

PROMPT = Prompt(
    system="Write HTML slides of 1280x720 px with write_page. Check them with render. "
    "Reply without a tool call when they are done.",
    advice="The tool call could not be read. Call a tool with a JSON object of its arguments.",
)
