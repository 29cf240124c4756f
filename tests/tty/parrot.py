"""parrot.py - models that say what they are told to: checkpoints of Qwen3 for tests of the screen.

A token's embedding is a random row of +1 and -1, its layer adds nothing, and the head's row of each
token is the embedding of the token it follows. So each token has one successor, at every
temperature:

    prompt ... "\\n"    ->  <think>  thought ...  </think>  "\\n\\n"
    prompt ... "\\n\\n"  ->  answer ...  <|im_end|>

The chat template is that of the bundled model, whose prompts end with a newline where the model is
to think, and with an empty thought and two newlines where it is not.
"""
import json
import os
import random
import struct

TINY = os.path.join(os.getcwd(), "models", "tiny")
HIDDEN = 256


def byte_letters():
    """The letters that stand for bytes in a vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in plain}
    for b in range(256):
        if b not in letters:
            letters[b] = chr(256 + len(letters) - len(plain))
    return letters


LETTERS = byte_letters()


def spell(text):
    return "".join(LETTERS[b] for b in text.encode())


def pieces(text, taken, size=4):
    """The text in parts of at least so many characters, none of which is taken."""
    found = []
    at = 0
    while at < len(text):
        end = at + size
        while end < len(text) and (text[at:end] in taken or text[end - 1] == text[end]):
            end += 1
        part = text[at:end]
        if part in taken or len(part.encode()) < 2:
            part = found.pop() + part
        taken.add(part)
        found.append(part)
        at = end
    return found


class Vocabulary:
    def __init__(self):
        self.ids = {LETTERS[b]: b for b in range(256)}
        self.follows = {}               # a token: its successor

    def add(self, text):
        return self.ids.setdefault(spell(text), len(self.ids))

    def chain(self, first, tokens):
        for token in tokens:
            self.follows[first] = token
            first = token
        return first


def save(path, vocabulary, n, n_vocab):
    rng = random.Random(1)
    sign = bytes(0x3F if b < 128 else 0xBF for b in range(256))

    def row(high):
        both = bytearray(b"\x80" * (2 * HIDDEN))
        both[1::2] = high
        return bytes(both)

    highs = [rng.randbytes(HIDDEN).translate(sign) for _ in range(n_vocab)]
    head = [[] for _ in range(n_vocab)]
    for token, successor in vocabulary.follows.items():
        head[successor].append(highs[token])

    def head_row(some):
        if len(some) < 2:
            return row(some[0]) if some else b"\0" * (2 * HIDDEN)
        sums = [sum(1 if h[i] == 0x3F else -1 for h in some) for i in range(HIDDEN)]
        return b"".join(struct.pack("<f", s)[2:] for s in sums)

    ones, zeros = b"\x80\x3f", b"\0\0"
    layer = "model.layers.0."
    tensors = [
        ("model.embed_tokens.weight", [n_vocab, HIDDEN], b"".join(row(h) for h in highs)),
        ("lm_head.weight", [n_vocab, HIDDEN], b"".join(head_row(h) for h in head)),
        ("model.norm.weight", [HIDDEN], ones * HIDDEN),
        (layer + "input_layernorm.weight", [HIDDEN], ones * HIDDEN),
        (layer + "post_attention_layernorm.weight", [HIDDEN], ones * HIDDEN),
        (layer + "self_attn.q_norm.weight", [64], ones * 64),
        (layer + "self_attn.k_norm.weight", [64], ones * 64),
        (layer + "self_attn.q_proj.weight", [64, HIDDEN], zeros * 64 * HIDDEN),
        (layer + "self_attn.k_proj.weight", [64, HIDDEN], zeros * 64 * HIDDEN),
        (layer + "self_attn.v_proj.weight", [64, HIDDEN], zeros * 64 * HIDDEN),
        (layer + "self_attn.o_proj.weight", [HIDDEN, 64], zeros * 64 * HIDDEN),
        (layer + "mlp.gate_proj.weight", [64, HIDDEN], zeros * 64 * HIDDEN),
        (layer + "mlp.up_proj.weight", [64, HIDDEN], zeros * 64 * HIDDEN),
        (layer + "mlp.down_proj.weight", [HIDDEN, 64], zeros * 64 * HIDDEN),
    ]
    header, at = {}, 0
    for name, shape, data in tensors:
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors:
            f.write(data)


def load(name):
    with open(os.path.join(TINY, name), encoding="utf-8") as f:
        return json.load(f)


def store(directory, name, what):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as f:
        json.dump(what, f)


def make(directory, answer, thought=None, n_ctx=40960, loop=None, silent=False):
    """A model that says the answer, after the thought. Both: a text, or a list of parts, one token
    each and all different. loop: of the answer's parts, the one that follows the last. silent: the
    thought ends the turn."""
    os.makedirs(directory)
    words = Vocabulary()
    taken = {chr(i) for i in range(128)}
    blank = words.add("\n\n")
    parts = [a if isinstance(a, list) else pieces(a, taken) for a in (thought or [], answer)]
    thoughts, answers = ([words.add(p) for p in some] for some in parts)
    n = len(words.ids)
    specials = [t["content"] for t in load("tokenizer.json")["added_tokens"]]
    special = {name: n + i for i, name in enumerate(specials)}
    end = special["<|im_end|>"]
    if thought:
        last = words.chain(words.ids[LETTERS[10]], [special["<think>"], *thoughts])
        words.chain(last, [end] if silent else [special["</think>"], blank])
    else:
        words.chain(words.ids[LETTERS[10]], answers[:1])
    last = words.chain(blank, answers)
    words.chain(last, [end if loop is None else answers[loop]])
    n_vocab = n + len(specials)
    save(os.path.join(directory, "model.safetensors"), words, n, n_vocab)

    tokenizer = load("tokenizer.json")
    tokenizer["model"].update(vocab=words.ids, merges=[[LETTERS[10], LETTERS[10]]])
    for token in tokenizer["added_tokens"]:
        token["id"] = special[token["content"]]
    store(directory, "tokenizer.json", tokenizer)
    config = load("tokenizer_config.json")
    config["added_tokens_decoder"] = {
        str(special[t["content"]]): t for t in config["added_tokens_decoder"].values()}
    store(directory, "tokenizer_config.json", config)
    config = load("config.json")
    config.update(vocab_size=n_vocab, hidden_size=HIDDEN, intermediate_size=64,
                  num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1, head_dim=64,
                  max_position_embeddings=n_ctx, tie_word_embeddings=False,
                  bos_token_id=special["<|endoftext|>"], eos_token_id=end)
    store(directory, "config.json", config)
    return directory
