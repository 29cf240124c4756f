"""spellings.py DIRECTORY - one small checkpoint in many spellings, each a directory of its own.

All of them mean the same weights and settings. In a directory whose name ends in -w qw decides
between files that contradict each other and says so; each line of WARNING is a pattern of what it
says.
tests/cli/spellings.sh compares the logits.
"""
import json
import os
import random
import struct
import sys

SOURCE = 'tests/fixtures/forward/tied-bf16'
LIMIT = 2.0 ** -14                      # the smallest normal number of F16


def read(path):
    """The tensors of a BF16 file as name -> (shape, floats), which fit BF16 and F16 alike."""
    raw = open(path, 'rb').read()
    n = int.from_bytes(raw[:8], 'little')
    tensors = {}
    for name, t in json.loads(raw[8:8 + n]).items():
        if name == '__metadata__':
            continue
        begin, end = (8 + n + o for o in t['data_offsets'])
        halves = struct.unpack('<%dH' % ((end - begin) // 2), raw[begin:end])
        wide = struct.pack('<%dI' % len(halves), *(h << 16 for h in halves))
        floats = struct.unpack('<%df' % len(halves), wide)
        tensors[name] = (t['shape'], [x if abs(x) >= LIMIT else 0.0 for x in floats])
    return tensors


def encode(values, dtype):
    if dtype == 'F16':
        return struct.pack('<%de' % len(values), *values)
    wide = struct.pack('<%df' % len(values), *values)
    if dtype == 'F32':
        return wide
    return b''.join(wide[i + 2:i + 4] for i in range(0, len(wide), 4))


def write(path, tensors, dtype='BF16', metadata=True, pad=0, escape=False):
    """dtype: one for all, or a function of the name. pad: spaces behind the header."""
    header, data = {}, []
    at = 0
    if metadata:
        header['__metadata__'] = {'format': 'pt'}
    for name, (shape, values) in tensors.items():
        kind = dtype(name) if callable(dtype) else dtype
        raw = encode(values, kind)
        header[name] = {'dtype': kind, 'shape': shape, 'data_offsets': [at, at + len(raw)]}
        data.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    if escape:
        text = text.replace(b'"model.', b'"\\u006dodel\\u002e')
    text += b' ' * pad
    with open(path, 'wb') as f:
        f.write(len(text).to_bytes(8, 'little') + text + b''.join(data))


def pick(tensors, condition):
    return {k: v for k, v in tensors.items() if condition(k)}


def renamed(tensors, change):
    return {change(k): v for k, v in tensors.items()}


class Maker:
    def __init__(self, out):
        self.out = out
        self.base = read(os.path.join(SOURCE, 'model.safetensors'))
        with open(os.path.join(SOURCE, 'config.json')) as f:
            self.config = json.load(f)
        self.embedding = self.base['model.embed_tokens.weight']

    def directory(self, name, warning=None, without=(), **config):
        """A directory with config.json: that of the source, with changes."""
        path = os.path.join(self.out, name + ('-w' if warning else ''))
        os.makedirs(path)
        c = {k: v for k, v in self.config.items() if k not in without}
        c.update(config)
        with open(os.path.join(path, 'config.json'), 'w') as f:
            json.dump(c, f)
        if warning:
            with open(os.path.join(path, 'WARNING'), 'w') as f:
                f.write(warning + '\n')
        return path

    def single(self, name, tensors=None, warning=None, without=(), config=None, **how):
        path = self.directory(name, warning, without, **(config or {}))
        write(os.path.join(path, 'model.safetensors'), tensors or self.base, **how)
        return path

    def shards(self, path, parts, index=True, missing=()):
        """Files for these parts; those in missing are only listed."""
        names = {}
        for i, part in enumerate(parts, 1):
            name = 'model-%05d-of-%05d.safetensors' % (i, len(parts))
            names.update({k: name for k in part})
            if i not in missing:
                write(os.path.join(path, name), part)
        if index:
            with open(os.path.join(path, 'model.safetensors.index.json'), 'w') as f:
                json.dump({'metadata': {'total_size': 1}, 'weight_map': names}, f)

    def halves(self):
        keys = list(self.base)
        middle = len(keys) // 2
        return [{k: self.base[k] for k in part} for part in (keys[:middle], keys[middle:])]


def weight_files(m):
    base, keys = m.base, list(m.base)
    backward = {k: base[k] for k in reversed(keys)}
    shuffled = random.Random(15).sample(keys, len(keys))
    types = ('BF16', 'F16', 'F32')
    m.single('one-file')
    for dtype in types[1:]:
        m.single(dtype.lower(), dtype=dtype)
    m.single('mixed-types', dtype=lambda name: types[sum(map(ord, name)) % 3])
    m.single('backward', backward)
    m.single('shuffled', {k: base[k] for k in shuffled}, metadata=False)
    for pad in 1, 2, 3:
        m.single('padded-%d' % pad, pad=pad)
    m.single('f32-unaligned', dtype='F32', pad=1)
    m.single('escaped-names', escape=True)
    m.shards(m.directory('two-shards'), m.halves())
    m.shards(m.directory('shard-for-each'), [{k: v} for k, v in base.items()])
    m.shards(m.directory('shards-without-index'), m.halves(), index=False)
    path = m.directory('one-file-in-index')
    write(os.path.join(path, 'model.safetensors'), base)
    with open(os.path.join(path, 'model.safetensors.index.json'), 'w') as f:
        json.dump({'weight_map': {k: 'model.safetensors' for k in base}}, f)
    path = m.single('links')
    os.makedirs(os.path.join(path, 'blobs'))
    os.rename(os.path.join(path, 'model.safetensors'), os.path.join(path, 'blobs', '0a1b'))
    os.symlink('blobs/0a1b', os.path.join(path, 'model.safetensors'))


def names(m):
    def bare(k):
        return k[len('model.'):]

    m.single('no-prefix', renamed(m.base, bare))
    m.single('no-prefix-bare-model', renamed(m.base, bare),
             config={'architectures': ['Qwen3Model']})
    m.single('some-prefixes', renamed(m.base, lambda k: bare(k) if len(k) % 2 else k))
    m.single('prefix-twice', renamed(m.base, lambda k: 'model.' + k))
    inv_freq = {'model.layers.%d.self_attn.rotary_emb.inv_freq' % i: ([1], [1.0]) for i in (0, 2)}
    m.single('inv-freq', {**m.base, **inv_freq})


def heads(m):
    copy = {**m.base, 'lm_head.weight': m.embedding}
    m.single('head-copy', copy)
    m.single('head-copy-f32', copy, dtype=lambda k: 'F32' if 'head' in k else 'BF16')
    m.single('head-copy-untied', copy, config={'tie_word_embeddings': False})
    m.single('head-copy-tie-absent', copy, without=['tie_word_embeddings'])
    m.single('head-copy-prefix', {**m.base, 'model.lm_head.weight': m.embedding})
    m.single('only-head', {**pick(copy, lambda k: 'embed' not in k)},
             "no 'embed_tokens.weight': 'lm_head.weight' is used")


def configs(m):
    rope = {'rope_theta': 1000000, 'rope_type': 'default'}
    gone = ['rope_theta', 'rope_scaling']
    m.single('v5', without=gone + ['torch_dtype'],
             config={'rope_parameters': rope, 'dtype': 'bfloat16', 'transformers_version': '5.0.0',
                     'layer_types': ['full_attention'] * 3})
    m.single('v5-float', without=gone,
             config={'rope_parameters': {**rope, 'rope_theta': 1e6, 'partial_rotary_factor': 1}})
    m.single('v4-and-v5', config={'rope_parameters': rope})
    m.single('v4-in-scaling', without=gone, config={'rope_scaling': rope})
    m.single('rope-type-default', config={'rope_scaling': {'type': 'default'}})
    m.single('rope-both-same', without=gone,
             config={'rope_scaling': rope, 'rope_parameters': rope})
    m.single('rope-empty', config={'rope_scaling': {}, 'rope_parameters': {}})
    m.single('quantization-empty', config={'quantization': {}, 'quantization_config': {}})
    m.single('nulls', config={k: None for k in ('quantization_config', 'quantization', 'pad',
                                                'rope_parameters', 'layer_types',
                                                'dual_chunk_attention_config', 'is_causal')})
    m.single('defaults-absent', without=['attention_bias', 'use_sliding_window', 'sliding_window',
                                         'hidden_act', 'rms_norm_eps', 'torch_dtype'])
    m.single('window-not-used', config={'use_sliding_window': True, 'sliding_window': 8,
                                        'layer_types': ['full_attention'] * 3,
                                        'max_window_layers': 0})


def contradictions(m):
    keys = list(m.base)
    beside = r'model\.safetensors counts, not model\.safetensors\.index\.json'
    wrong = {k: (s, [-x for x in v]) for k, (s, v) in m.base.items()}
    m.shards(m.single('single-and-shards', warning=beside), [wrong])
    inv_freq = {'model.layers.0.self_attn.rotary_emb.inv_freq': ([1], [1.0])}
    m.shards(m.single('single-and-shards-with-more', warning=beside),
             [{**wrong, 'lm_head.weight': wrong[keys[0]], **inv_freq}])
    bare = renamed(m.base, lambda k: k[len('model.'):])
    m.shards(m.single('single-bare-and-shards', bare, warning=beside), [wrong])
    m.shards(m.single('single-and-bare-shards', warning=beside),
             [renamed(wrong, lambda k: k[len('model.'):])])
    m.shards(m.single('single-and-missing-shards', warning=beside), m.halves(), missing=[2])
    m.shards(m.single('single-and-missing-more', warning=beside),
             [wrong, {'v_head.weight': ([1], [1.0])}], missing=[2])
    stub = r'index\.json counts, since model\.safetensors lacks'
    m.shards(m.single('stub-and-shards', {keys[0]: wrong[keys[0]]}, warning=stub), m.halves())
    empty = {k: ([0], []) for k in keys}
    m.shards(m.single('empty-and-shards', empty, warning=stub), m.halves())
    path = m.single('broken-index', warning='not valid JSON.*beside it is used')
    with open(os.path.join(path, 'model.safetensors.index.json'), 'w') as f:
        f.write('<html>')
    path = m.single('index-of-many', warning='more than 10000 files; .* beside it is used')
    with open(os.path.join(path, 'model.safetensors.index.json'), 'w') as f:
        json.dump({'weight_map': {str(i): 'model-%d' % i for i in range(10001)}}, f)
    path = m.directory('tensor-in-two-shards', '00002-of-00002.safetensors: tensors that an '
                       'earlier file has, too: ' + keys[0])
    m.shards(path, [{keys[0]: wrong[keys[0]], keys[1]: m.base[keys[1]]},
                    pick(m.base, lambda k: k != keys[1])])
    layer = pick(m.base, lambda k: '.layers.2.' in k)
    more = {k.replace('.2.', '.%d.' % i): v for i in (3, 11) for k, v in layer.items()}
    m.single('more-layers', {**m.base, **more},
             'not used, since num_hidden_layers is 3: model.layers.11, model.layers.3$')
    m.single('unused-tensors', {**m.base, 'v_head.summary.weight': ([1, 1], [1.0])},
             'tensors that nothing uses: v_head.summary.weight$')
    m.single('vocab-size', warning='has 320 rows, but config.json a vocab_size of 300',
             config={'vocab_size': 300})
    m.single('leftover-quantisation', warning=r'not quantised.*\(gptq\): that is ignored',
             config={'quantization_config': {'quant_method': 'gptq', 'bits': 4}})
    path = m.single('adapter', warning=r'adapter beside the model \(adapter_config\.json')
    for name in 'adapter_config.json', 'adapter_model.safetensors':
        open(os.path.join(path, name), 'w').close()
    m.single('theta-twice', warning='rope_theta is 1000000 in rope_parameters and 10000 outside',
             config={'rope_theta': 10000, 'rope_parameters': {'rope_theta': 1e6}})
    m.single('theta-spare', warning='rope_scaling counts, not rope_parameters\n'
             'rope_theta 1000000 is taken from rope_parameters',
             without=['rope_theta'],
             config={'rope_scaling': {'rope_type': 'default'},
                     'rope_parameters': {'rope_theta': 1e6, 'rope_type': 'linear'}})
    m.single('type-twice', warning="rope_type default and type yarn: rope_type counts",
             config={'rope_scaling': {'rope_type': 'default', 'type': 'yarn'}})


def main():
    m = Maker(sys.argv[1])
    weight_files(m)
    names(m)
    heads(m)
    configs(m)
    contradictions(m)
    # The counterexample: another head is another model.
    shape, values = m.embedding
    other = [-x if i < shape[1] else x for i, x in enumerate(values)]
    m.single('../other-head', {**m.base, 'lm_head.weight': (shape, other)})
    # And one that differs in a single row, which is none of the 256 that loading compares.
    sampled = {i * (shape[0] - 1) // 255 for i in range(256)}
    row = min(set(range(shape[0])) - sampled) * shape[1]
    other = [-x if row <= i < row + shape[1] else x for i, x in enumerate(values)]
    m.single('../other-row', {**m.base, 'lm_head.weight': (shape, other)})
    halves = [pick(part, lambda k: k != 'model.norm.weight') for part in m.halves()]
    m.shards(m.directory('../no-norm'), halves)
    m.single('../yarn', config={'rope_scaling': {'rope_type': 'yarn', 'factor': 4.0,
                                                 'original_max_position_embeddings': 32768}})
    path = m.directory('../variant')
    m.shards(path, m.halves(), index=False)
    write(os.path.join(path, 'model.fp16.safetensors'), m.base, dtype='F16')


main()
