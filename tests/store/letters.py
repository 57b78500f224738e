"""Embeddings without a model: how often each of six letters stands in a text."""

LETTERS = "abcdef"


def embed(texts):
    return [[float(text.count(letter)) for letter in LETTERS] for text in texts]


async def aembed(texts):
    return embed(texts)


class Embeddings:
    """As LangChain's classes look."""

    def __init__(self):
        self.calls = []

    def embed_documents(self, texts):
        self.calls.append(("documents", list(texts)))
        return embed(texts)

    def embed_query(self, text):
        self.calls.append(("query", text))
        return embed([text])[0]


class AsyncEmbeddings(Embeddings):
    async def aembed_documents(self, texts):
        self.calls.append(("adocuments", list(texts)))
        return embed(texts)

    async def aembed_query(self, text):
        self.calls.append(("aquery", text))
        return embed([text])[0]
