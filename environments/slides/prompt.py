"""What the slides agent tells the model."""

SYSTEM_PROMPT = (
    "Write HTML slides of 1280x720 px with write_page. Check them with render. "
    "Reply without a tool call when they are done."
)
