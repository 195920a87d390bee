"""Pages from folders of HTML, Markdown, text or JSON lines, and a fictional encyclopedia to fill one."""
