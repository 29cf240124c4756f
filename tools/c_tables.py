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


def two_stage(values, block, usual=0):
    """Split values into blocks, equal ones stored once; what the usual value fills at the end is
    cut off. Returns (the block of each stretch, all blocks)."""
    end = max(i for i, v in enumerate(values) if v != usual) // block + 1
    index, blocks = [], []
    for i in range(end):
        b = values[i * block:(i + 1) * block]
        if b not in blocks:
            blocks.append(b)
        index.append(blocks.index(b))
    assert len(blocks) <= 256
    return index, [v for b in blocks for v in b]
