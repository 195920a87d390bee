"""SGLang's routes, by what they are for."""
