#!/usr/bin/env python3
"""table.py DIR LEVEL=ELF...: the table of arm-table.sh from its counts, and where the cycles go."""
import sys
from tbcost import cost

LAYERS = 28
STEPS = {'decode': ('8.5', '8.1', 4), 'prefill': ('256.0', '0.0', 256)}     # two runs (prompt.drawn), tokens between them
MODELS = {'A53': 'cortex-a53', 'A72': 'cortex-a57', 'A55': 'cortex-a55', 'A76': 'neoverse-n1', 'N2': 'neoverse-n2', 'A9': 'cortex-a9'}
CORES = {'neon': ('A53', 'A72'), 'dotprod': ('A55', 'A76', 'N2'), 'i8mm': ('N2',), 'neonv7': ('A72', 'A9')}
NAMES = {'neon': 'ARMv8.0', 'dotprod': 'dotprod', 'i8mm': 'i8mm', 'neonv7': 'ARMv7'}
LIMITS = {('neon', 'decode', 'A53'): 0.30, ('neon', 'decode', 'A72'): 0.11, ('dotprod', 'decode', 'A55'): 0.20, ('dotprod', 'decode', 'A76'): 0.062,
          ('neon', 'prefill', 'A53'): 0.22, ('neon', 'prefill', 'A72'): 0.080, ('dotprod', 'prefill', 'A55'): 0.062, ('dotprod', 'prefill', 'A76'): 0.024}
PEER = {('neon', 'decode', 'A53'): 0.79, ('neon', 'decode', 'A72'): 0.230, ('dotprod', 'decode', 'A55'): 0.305, ('dotprod', 'decode', 'A76'): 0.077,
        ('neon', 'prefill', 'A53'): 0.62, ('neon', 'prefill', 'A72'): 0.191, ('dotprod', 'prefill', 'A55'): 0.073, ('dotprod', 'prefill', 'A76'): 0.027}
MATRICES = ('matmul', 'panel', 'tokens_q', 'tile_q', 'unpack', 'one_token', 'more_tokens')

folder = sys.argv[1]
elfs = dict(a.split('=', 1) for a in sys.argv[2:])


def measure(level, step):
    """One layer's share is the difference of the models with two and with one; what the head and the embedding cost is in both."""
    with_it, without, tokens = STEPS[step]
    one, two = (2 - LAYERS) / tokens, (LAYERS - 1) / tokens
    terms = [(f * sign, f'{folder}/{level}.{n}.{run}.tsv') for n, f in ((1, one), (2, two)) for run, sign in ((with_it, 1), (without, -1))]
    cpus = [MODELS[c] for c in CORES[level]]
    total, per = cost(elfs[level], cpus, terms)
    return total, {c: per[MODELS[c]] for c in CORES[level] if per[MODELS[c]] is not None}


results = {(level, step): measure(level, step) for level in elfs for step in STEPS}
cycles = {(level, step, core): sum(per.values()) / 1e9 for (level, step), (_, by_core) in results.items() for core, per in by_core.items()}
missed = 0


def verdict(key):
    global missed
    level, step, core = key
    limit = LIMITS.get(key)
    if level == 'neonv7' and core == 'A72' and ('neon', step, core) in cycles: limit = 1.3 * cycles['neon', step, core]
    if level == 'i8mm' and step == 'prefill' and ('dotprod', step, core) in cycles: limit = cycles['dotprod', step, core]
    if limit is None: return '', ''
    missed += cycles[key] > limit
    return '%.3f' % limit, 'ok' if cycles[key] <= limit else 'MISSED'


print('Qwen3-0.6B q4, one thread, G cycles per token: decode at 8..11 positions, prefill of 256 tokens')
print('%-8s %-8s %10s   %-4s %8s %8s %-7s %6s' % ('', '', 'M instr', 'core', 'cycles', 'limit', '', 'peer'))
for (level, step), (instructions, by_core) in results.items():
    for core in by_core:
        key = level, step, core
        print('%-8s %-8s %10.1f   %-4s %8.4f %8s %-7s %6s' % (NAMES[level], step, instructions / 1e6, core, cycles[key], *verdict(key), PEER.get(key, '')))

print('\nWhere they go, M cycles')
columns = [(level, step, core) for (level, step), (_, by_core) in results.items() for core in by_core]
rows = {}
for level, step, core in columns:
    for symbol, c in results[level, step][1][core].items():
        name = 'matrices' if symbol.startswith(MATRICES) else symbol
        rows.setdefault(name, {}).setdefault((level, step, core), 0)
        rows[name][level, step, core] += c / 1e6
print('%-16s' % '' + ''.join('%9s' % NAMES[level] for level, _, _ in columns))
print('%-16s' % '' + ''.join('%9s' % step for _, step, _ in columns))
print('%-16s' % '' + ''.join('%9s' % core for _, _, core in columns))
for name, row in sorted(rows.items(), key=lambda r: -max(r[1].values())):
    if max(row.values()) >= 0.05: print('%-16.16s' % name + ''.join('%9.2f' % row[c] if c in row else '%9s' % '' for c in columns))
sys.exit(missed > 0)
