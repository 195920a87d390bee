"""The engine: samples tokens over SGLang's HTTP API, on a CPU or by launching SGLang itself."""
