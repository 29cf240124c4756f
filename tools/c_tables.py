"""What the scripts that print tables as C share."""


def array(ctype, name, values, comment, columns=100):
    print(f"/* {comment} */")
    print(f"static const {ctype} {name}[{len(values)}] = {{")
    line = ""
    for v in values:
        item = f"{v},"
        if len(line) + len(item) > columns:
            print(line)
            line = ""
        line += item
    print(line + "\n};\n")


def split(values, block):
    """Blocks of so many values, equal ones stored once: (the block of each stretch, all blocks)."""
    index, blocks = [], []
    for i in range(0, len(values), block):
        b = values[i:i + block]
        if b not in blocks:
            blocks.append(b)
        index.append(blocks.index(b))
    assert len(blocks) <= 256
    return index, [v for b in blocks for v in b]


def without_end(values, block, usual):
    """The values without what the usual one fills at the end, in whole blocks."""
    end = max(i for i, v in enumerate(values) if v != usual) // block + 1
    return values[:end * block]


def two_stage(values, block, usual=0):
    return split(without_end(values, block, usual), block)


def three_stage(values, block, part, usual=0):
    """Blocks, and parts of so many blocks: (the part of each stretch, the block of each stretch of
    each part, all blocks)."""
    index, blocks = split(without_end(values, block * part, usual), block)
    return *split(index, part), blocks
