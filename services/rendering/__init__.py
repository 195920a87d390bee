"""Messages to token ids and back: the home of `renderers` and `tokenizers`."""
