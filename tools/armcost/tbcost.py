#!/usr/bin/env python3
"""Estimated cycles of what icount counted: each executed block's steady-state cycles by llvm-mca, times how often it ran.

  tbcost.py ELF CPU[,CPU...] [FACTOR*]TB.TSV...

Several files are added up, each times its factor: `5.tsv -1*1.tsv` is what the first run did beyond the second.
"""
import bisect, re, struct, subprocess, sys, tempfile

LLVM = '19'
MODES = {'aarch64': ('aarch64-linux-gnu', '+all'), 'thumb': ('thumbv7-linux-gnueabihf', '+neon,+vfp4,+fp16'), 'arm': ('armv7-linux-gnueabihf', '+neon,+vfp4,+fp16')}
COVER, MOST, ITERATIONS = 0.998, 300, 100   # blocks modelled: so much of all instructions, at most so many; each repeated so often


class Elf:
    def __init__(self, path):
        with open(path, 'rb') as f: self.bytes = f.read()
        self.is64 = self.bytes[4] == 2
        self.segments, self.modes = list(self.read_segments()), sorted(self.read_modes())

    def read_segments(self):
        start, = struct.unpack_from('<Q' if self.is64 else '<I', self.bytes, 32 if self.is64 else 28)
        size, count = struct.unpack_from('<HH', self.bytes, 54 if self.is64 else 42)
        for at in range(start, start + size * count, size):
            if self.is64: kind, _, offset, address, _, length = struct.unpack_from('<IIQQQQ', self.bytes, at)
            else: kind, offset, address, _, length = struct.unpack_from('<IIIII', self.bytes, at)
            if kind == 1: yield address, offset, length

    def read_modes(self):
        """ARMv7: where $a and $t in the symbol table switch between ARM and Thumb code."""
        if self.is64: return
        start, = struct.unpack_from('<I', self.bytes, 32)
        size, count = struct.unpack_from('<HH', self.bytes, 46)
        sections = [struct.unpack_from('<10I', self.bytes, start + i * size) for i in range(count)]
        for s in sections:
            if s[1] != 2: continue
            strings = sections[s[6]][4]
            for at in range(s[4], s[4] + s[5], 16):
                name, address = struct.unpack_from('<II', self.bytes, at)
                mode = {b'$a': 'arm', b'$t': 'thumb'}.get(self.bytes[strings + name:strings + name + 2])
                if mode: yield address, mode

    def code(self, address, size):
        for start, offset, length in self.segments:
            if start <= address < start + length: return self.bytes[offset + address - start:offset + address - start + size]
        return b''

    def mode(self, address):
        if self.is64: return 'aarch64'
        return self.modes[max(bisect.bisect_right(self.modes, (address, 'z')) - 1, 0)][1]

    def disassemble(self, mode, block):
        """Each block apart: a Thumb block may end within the reach of an IT instruction, and the disassembler remembers that."""
        address, n, size = block[:3]
        out = subprocess.run(['llvm-mc-' + LLVM, '--disassemble', '-triple=' + MODES[mode][0], '-mattr=' + MODES[mode][1]],
                             input=' '.join('0x%02x' % byte for byte in self.code(address, size)), capture_output=True, text=True)
        lines = [x for x in out.stdout.splitlines() if x.strip() and not x.strip().startswith('.text')]
        if len(lines) < n: sys.exit('tbcost: %s at %x: %d of %d instructions understood\n%s' % (mode, address, len(lines), n, out.stderr[:500]))
        return '\n'.join(lines[:n])


def blocks(terms):
    """[[address, instructions, bytes, count, symbol]]. qemu cuts blocks where a page ends: what ran on into the next page is one again."""
    count = {}
    for factor, path in terms:
        with open(path) as f:
            for line in f:
                address, n, size, times, symbol = line.rstrip('\n').split('\t')
                key = int(address, 16), int(n), int(size), re.sub(r'\.(constprop|isra|part|cold|lto_priv)\.?\d*', '', symbol)
                count[key] = count.get(key, 0) + factor * int(times)
    every = [[address, n, size, times, symbol] for (address, n, size, symbol), times in sorted(count.items())]
    for second in every:
        if second[0] % 4096 not in (0, 4094): continue
        # At a page's end qemu may count two bytes too many.
        into = [b for b in every if b[0] < second[0] <= b[0] + b[2] <= second[0] + 2 and b[3] > 0 and b[4] == second[4]]
        if not into or sum(b[3] for b in into) > second[3] * 1.001: continue
        second[3] -= sum(b[3] for b in into)
        for b in into:
            b[1] += second[1]
            b[2] = second[0] + second[2] - b[0]
    return every


def cost(path, cpus, terms):
    """Instructions, and for each CPU {symbol: cycles}, or None where llvm-mca fails; the rest that is not modelled counts as the average of what is."""
    elf, every = Elf(path), blocks(terms)
    total = sum(b[1] * b[3] for b in every)
    hot, covered = [], 0
    for b in sorted(every, key=lambda b: -b[1] * b[3]):
        if covered > COVER * total or len(hot) == MOST: break
        if elf.code(b[0], b[2]):
            hot.append(b)
            covered += b[1] * b[3]
    result = {cpu: {} for cpu in cpus}
    for mode, (triple, features) in MODES.items():
        part = [b for b in hot if elf.mode(b[0]) == mode]
        if not part: continue
        with tempfile.NamedTemporaryFile('w', suffix='.s') as f:
            for b in part: f.write('# LLVM-MCA-BEGIN\n%s\n# LLVM-MCA-END\n' % elf.disassemble(mode, b))
            f.flush()
            for cpu in cpus:
                out = subprocess.run(['llvm-mca-' + LLVM, '-mtriple=' + triple, '-mcpu=' + cpu, '-mattr=' + features, '-iterations=%d' % ITERATIONS,
                                      '-skip-unsupported-instructions=any', f.name], capture_output=True, text=True)
                cycles = [int(x) for x in re.findall(r'^Total Cycles: +(\d+)', out.stdout, re.M)]
                if len(cycles) != len(part):
                    print('tbcost: llvm-mca cannot: -mcpu=%s: %s' % (cpu, out.stderr.splitlines()[0]), file=sys.stderr)
                    result[cpu] = None
                if result[cpu] is None: continue
                for b, c in zip(part, cycles): result[cpu][b[4]] = result[cpu].get(b[4], 0) + c / ITERATIONS * b[3] * total / covered
    return total, result


if __name__ == '__main__':
    if len(sys.argv) < 4: sys.exit(__doc__)
    terms = [(float(a.split('*')[0]), a.split('*', 1)[1]) if '*' in a else (1, a) for a in sys.argv[3:]]
    total, result = cost(sys.argv[1], sys.argv[2].split(','), terms)
    print('%.4g instructions' % total)
    for cpu, per in result.items():
        if per is None: continue
        print('%s: %.4g cycles' % (cpu, sum(per.values())))
        for symbol, cycles in sorted(per.items(), key=lambda x: -x[1])[:16]: print('%14.4g %s' % (cycles, symbol))
