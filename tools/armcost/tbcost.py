#!/usr/bin/env python3
"""Estimated cycles of what icount counted: the steady-state cycles of each executed block by
llvm-mca, times how often it ran.

  tbcost.py ELF CPU[,CPU...] [FACTOR*]TB.TSV...

Several files are added up, each times its factor: `5.tsv -1*1.tsv` is what the first run did beyond
the second.
"""
import bisect
import re
import struct
import subprocess
import sys

LLVM = '19'
ARMV7_FEATURES = '+neon,+vfp4,+fp16'
MODES = {'aarch64': ('aarch64-linux-gnu', '+all'),
         'thumb': ('thumbv7-linux-gnueabihf', ARMV7_FEATURES),
         'arm': ('armv7-linux-gnueabihf', ARMV7_FEATURES)}
COVER = 0.998           # blocks are modelled until they cover this part of all instructions,
MOST = 300              # or are this many;
ITERATIONS = 100        # each is repeated this often
SUFFIXES = re.compile(r'\.(constprop|isra|part|cold|lto_priv)\.?\d*')   # of gcc's copies


class Elf:
    def __init__(self, path):
        with open(path, 'rb') as f:
            self.bytes = f.read()
        self.is64 = self.bytes[4] == 2
        self.segments, self.modes = list(self.read_segments()), sorted(self.read_modes())

    def unpack(self, form, at):
        return struct.unpack_from('<' + form, self.bytes, at)

    def read_segments(self):
        start, = self.unpack('Q', 32) if self.is64 else self.unpack('I', 28)
        size, count = self.unpack('HH', 54 if self.is64 else 42)
        for at in range(start, start + size * count, size):
            if self.is64:
                kind, _, offset, address, _, length = self.unpack('IIQQQQ', at)
            else:
                kind, offset, address, _, length = self.unpack('IIIII', at)
            if kind == 1:
                yield address, offset, length

    def read_modes(self):
        """ARMv7: where $a and $t in the symbol table switch between ARM and Thumb code."""
        if self.is64:
            return
        start, = self.unpack('I', 32)
        size, count = self.unpack('HH', 46)
        sections = [self.unpack('10I', start + i * size) for i in range(count)]
        for s in sections:
            if s[1] != 2:
                continue
            strings = sections[s[6]][4]
            for at in range(s[4], s[4] + s[5], 16):
                name, address = self.unpack('II', at)
                name = self.bytes[strings + name:strings + name + 2]
                mode = {b'$a': 'arm', b'$t': 'thumb'}.get(name)
                if mode:
                    yield address, mode

    def code(self, address, size):
        for start, offset, length in self.segments:
            if start <= address < start + length:
                at = offset + address - start
                return self.bytes[at:at + size]
        return b''

    def mode(self, address):
        if self.is64:
            return 'aarch64'
        return self.modes[max(bisect.bisect_right(self.modes, (address, 'z')) - 1, 0)][1]

    def disassemble(self, mode, block):
        """One block at a time: a Thumb block may end within the reach of an IT instruction, and the
        disassembler remembers that."""
        address, n, size = block[:3]
        triple, features = MODES[mode]
        out = subprocess.run(['llvm-mc-' + LLVM, '--disassemble', '-triple=' + triple,
                              '-mattr=' + features],
                             input=' '.join('0x%02x' % byte for byte in self.code(address, size)),
                             capture_output=True, text=True)
        lines = [x for x in out.stdout.splitlines()
                 if x.strip() and not x.strip().startswith('.text')]
        if len(lines) < n:
            sys.exit('tbcost: %s at %x: %d of %d instructions understood\n%s'
                     % (mode, address, len(lines), n, out.stderr[:500]))
        return '\n'.join(lines[:n])


def join_cut(blocks):
    """qemu cuts blocks at the end of a page: joins what ran on into the next page."""
    for second in blocks:
        address, n, size, times, symbol = second
        if address % 4096 not in (0, 4094):
            continue
        # At a page's end qemu may count two bytes too many.
        into = [b for b in blocks
                if b[0] < address <= b[0] + b[2] <= address + 2 and b[3] > 0 and b[4] == symbol]
        ran_on = sum(b[3] for b in into)
        if not into or ran_on > times * 1.001:
            continue
        second[3] -= ran_on
        for b in into:
            b[1] += n
            b[2] = address + size - b[0]


def read_blocks(terms):
    """[[address, instructions, bytes, times, symbol]] of the sum of the terms."""
    count = {}
    for factor, path in terms:
        with open(path) as f:
            for line in f:
                address, n, size, times, symbol = line.rstrip('\n').split('\t')
                key = int(address, 16), int(n), int(size), SUFFIXES.sub('', symbol)
                count[key] = count.get(key, 0) + factor * int(times)
    blocks = [[address, n, size, times, symbol]
              for (address, n, size, symbol), times in sorted(count.items())]
    join_cut(blocks)
    return blocks


def hottest(elf, blocks, total):
    """The blocks to model, and the number of instructions that they cover."""
    hot, covered = [], 0
    for b in sorted(blocks, key=lambda b: -b[1] * b[3]):
        if covered > COVER * total or len(hot) == MOST:
            break
        if elf.code(b[0], b[2]):
            hot.append(b)
            covered += b[1] * b[3]
    return hot, covered


def block_cycles(assembly, mode, cpu, n):
    """Cycles of each of the n blocks when it is repeated, or None where llvm-mca fails."""
    triple, features = MODES[mode]
    out = subprocess.run(['llvm-mca-' + LLVM, '-mtriple=' + triple, '-mcpu=' + cpu,
                          '-mattr=' + features, '-iterations=%d' % ITERATIONS,
                          '-skip-unsupported-instructions=any'],
                         input=assembly, capture_output=True, text=True)
    cycles = [int(x) for x in re.findall(r'^Total Cycles: +(\d+)', out.stdout, re.M)]
    if len(cycles) != n:
        print('tbcost: llvm-mca cannot model -mcpu=%s: %s' % (cpu, out.stderr.splitlines()[0]),
              file=sys.stderr)
        return None
    return [c / ITERATIONS for c in cycles]


def cost(path, cpus, terms):
    """Instructions, and for each CPU {symbol: cycles}, or None where llvm-mca fails. What is not
    modelled counts as the average of what is."""
    elf, blocks = Elf(path), read_blocks(terms)
    total = sum(b[1] * b[3] for b in blocks)
    hot, covered = hottest(elf, blocks, total)
    result = {cpu: {} for cpu in cpus}
    for mode in MODES:
        part = [b for b in hot if elf.mode(b[0]) == mode]
        if not part:
            continue
        assembly = ''.join('# LLVM-MCA-BEGIN\n%s\n# LLVM-MCA-END\n' % elf.disassemble(mode, b)
                           for b in part)
        for cpu in cpus:
            cycles = block_cycles(assembly, mode, cpu, len(part))
            if cycles is None:
                result[cpu] = None
            if result[cpu] is None:
                continue
            for b, c in zip(part, cycles):
                result[cpu][b[4]] = result[cpu].get(b[4], 0) + c * b[3] * total / covered
    return total, result


def parse_term(text):
    factor, star, path = text.partition('*')
    return (float(factor), path) if star else (1, text)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    total, result = cost(sys.argv[1], sys.argv[2].split(','), [parse_term(a) for a in sys.argv[3:]])
    print('%.4g instructions' % total)
    for cpu, per in result.items():
        if per is None:
            continue
        print('%s: %.4g cycles' % (cpu, sum(per.values())))
        for symbol, cycles in sorted(per.items(), key=lambda x: -x[1])[:16]:
            print('%14.4g %s' % (cycles, symbol))


if __name__ == '__main__':
    main()
