#!/usr/bin/env python3
"""table.py DIR LEVEL=ELF...: the table of arm-table.sh from its counts, and where the cycles go."""
import re
import sys
from tbcost import cost

LAYERS = 28
# Two runs (prompt.drawn), and the tokens by which they differ.
STEPS = {'decode': ('8.5', '8.1', 4), 'prefill': ('256.0', '0.0', 256)}
MODELS = {'A53': 'cortex-a53', 'A72': 'cortex-a57', 'A55': 'cortex-a55', 'A76': 'neoverse-n1',
          'N2': 'neoverse-n2', 'A9': 'cortex-a9'}
CORES = {'neon': ('A53', 'A72'), 'dotprod': ('A55', 'A76', 'N2'), 'i8mm': ('N2',),
         'neonv7': ('A72', 'A9')}
NAMES = {'neon': 'ARMv8.0', 'dotprod': 'dotprod', 'i8mm': 'i8mm', 'neonv7': 'ARMv7'}
# (level, step, core): G cycles
LIMITS = {
    ('neon', 'decode', 'A53'): 0.30,
    ('neon', 'decode', 'A72'): 0.11,
    ('neon', 'prefill', 'A53'): 0.22,
    ('neon', 'prefill', 'A72'): 0.080,
    ('dotprod', 'decode', 'A55'): 0.20,
    ('dotprod', 'decode', 'A76'): 0.062,
    ('dotprod', 'prefill', 'A55'): 0.062,
    ('dotprod', 'prefill', 'A76'): 0.024,
}
PEER = {
    ('neon', 'decode', 'A53'): 0.79,
    ('neon', 'decode', 'A72'): 0.230,
    ('neon', 'prefill', 'A53'): 0.62,
    ('neon', 'prefill', 'A72'): 0.191,
    ('dotprod', 'decode', 'A55'): 0.305,
    ('dotprod', 'decode', 'A76'): 0.077,
    ('dotprod', 'prefill', 'A55'): 0.073,
    ('dotprod', 'prefill', 'A76'): 0.027,
}
MATRICES = ('matmul', 'panel', 'tokens_q', 'tile_q', 'unpack', 'one_token', 'more_tokens')
LEVEL_SUFFIX = re.compile('^([a-z].*)_(neon|dotprod|i8mm)$')     # of qw's static functions


def measure(folder, level, step, elf):
    """Instructions, and {core: {symbol: cycles}}, per token. A layer's share is the difference of
    the models with two layers and with one; the head and the embedding are in both."""
    longer, shorter, tokens = STEPS[step]
    one, two = (2 - LAYERS) / tokens, (LAYERS - 1) / tokens
    terms = [(factor * sign, '%s/%s.%d.%s.tsv' % (folder, level, layers, run))
             for layers, factor in ((1, one), (2, two))
             for run, sign in ((longer, 1), (shorter, -1))]
    total, per = cost(elf, [MODELS[c] for c in CORES[level]], terms)
    return total, {c: per[MODELS[c]] for c in CORES[level] if per[MODELS[c]] is not None}


def limit_of(key, cycles):
    """ARMv7 may cost 1.3 times ARMv8.0, and i8mm's prefill no more than that of dotprod."""
    level, step, core = key
    other = None
    if level == 'neonv7' and core == 'A72':
        other, factor = ('neon', step, core), 1.3
    if level == 'i8mm' and step == 'prefill':
        other, factor = ('dotprod', step, core), 1
    if other in cycles:
        return factor * cycles[other]
    return LIMITS.get(key)


def print_row(key, instructions, cycles):
    """Returns whether the limit is missed."""
    level, step, core = key
    limit = limit_of(key, cycles)
    missed = limit is not None and cycles[key] > limit
    if limit is None:
        verdict = '', ''
    else:
        verdict = '%.3f' % limit, 'MISSED' if missed else 'ok'
    print('%-8s %-8s %10.1f   %-4s %8.4f %8s %-7s %6s'
          % (NAMES[level], step, instructions / 1e6, core, cycles[key], *verdict,
             PEER.get(key, '')))
    return missed


def print_symbols(by_key):
    rows = {}
    for key, per in by_key.items():
        for symbol, cycles in per.items():
            name = LEVEL_SUFFIX.sub(r'\1', symbol)
            if symbol.startswith(MATRICES):
                name = 'matrices'
            row = rows.setdefault(name, {})
            row[key] = row.get(key, 0) + cycles / 1e6
    print('\nWhere they go, M cycles')
    print('%-16s' % '' + ''.join('%9s' % NAMES[level] for level, _, _ in by_key))
    print('%-16s' % '' + ''.join('%9s' % step for _, step, _ in by_key))
    print('%-16s' % '' + ''.join('%9s' % core for _, _, core in by_key))
    for name, row in sorted(rows.items(), key=lambda r: -max(r[1].values())):
        if max(row.values()) >= 0.05:
            figures = ['%9.2f' % row[key] if key in row else '%9s' % '' for key in by_key]
            print('%-16.16s' % name + ''.join(figures))


def main():
    folder = sys.argv[1]
    elfs = dict(a.split('=', 1) for a in sys.argv[2:])
    instructions, by_key = {}, {}           # by_key: (level, step, core): {symbol: cycles}
    for level, elf in elfs.items():
        for step in STEPS:
            total, by_core = measure(folder, level, step, elf)
            for core, per in by_core.items():
                instructions[level, step, core] = total
                by_key[level, step, core] = per
    cycles = {key: sum(per.values()) / 1e9 for key, per in by_key.items()}
    print('Qwen3-0.6B q4, one thread, G cycles per token: '
          'decode at 8..11 positions, prefill of 256 tokens')
    print('%-8s %-8s %10s   %-4s %8s %8s %-7s %6s'
          % ('', '', 'M instr', 'core', 'cycles', 'limit', '', 'peer'))
    missed = [print_row(key, instructions[key], cycles) for key in by_key]
    print_symbols(by_key)
    sys.exit(any(missed))


if __name__ == '__main__':
    main()
