#!/bin/sh
# levels.sh LEVEL=FLAGS... - which kernel files $CC can compile, as a line for the Makefile.
#
# LEVEL is a file of src/kernels without ".c". Each is tried with its flags on a few intrinsics of
# its instruction set; one that the compiler (or its assembler) refuses is left out, and stderr says
# so.
# Exit code 1 when the compiler does not compile plain C either: then nothing is known.
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

probe() {   # probe LEVEL: a source that needs what the file needs
    case $1 in
    */sse41) echo '#include <smmintrin.h>
        __m128i f(__m128i a) { return _mm_maddubs_epi16(a, _mm_cvtepu8_epi32(a)); }' ;;
    */avx2) echo '#include <immintrin.h>
        __m256 f(__m128i a, __m256 b) { return _mm256_fmadd_ps(_mm256_cvtph_ps(a), b, b); }
        __m256i g(__m256i a) { return _mm256_maddubs_epi16(a, a); }' ;;
    */avx512vnni) echo '#include <immintrin.h>
        __m512i f(__m512i a) { return _mm512_dpbusd_epi32(_mm512_mullo_epi16(a, a), a, a); }
        __m256i g(__m256i a) { return _mm256_abs_epi64(a); }' ;;
    */neon) echo '#include <arm_neon.h>
        int32x4_t f(int32x4_t a, int16x4_t b) { return vmlal_s16(a, b, b); }' ;;
    */dotprod) echo '#include <arm_neon.h>
        int32x4_t f(int32x4_t a, int8x16_t b) { return vdotq_laneq_s32(a, b, b, 1); }' ;;
    */i8mm) echo '#include <arm_neon.h>
        int32x4_t f(int32x4_t a, int8x16_t b) { return vmmlaq_s32(a, b, b); }' ;;
    *) echo '#include <stdint.h>
        int32_t f(int32_t a) { return a; }' ;;
    esac
}

# try FLAGS NAME LEVEL: $tmp/NAME.o if it compiles
# shellcheck disable=SC2086
try() { probe "$3" | $CC $1 -w -x c - -c -o "$tmp/$2.o" 2> "$tmp/$2.err" || rm -f "$tmp/$2.o"; }

try '' plain plain &
for level in "$@"; do
    name=${level%%=*}
    try "${level#*=}" "$(basename "$name")" "$name" &
done
wait
if [ ! -f "$tmp/plain.o" ]; then
    cat "$tmp/plain.err" >&2
    exit 1
fi
made=
for level in "$@"; do
    name=${level%%=*}
    flags=${level#*=}
    short=$(basename "$name")
    if [ -f "$tmp/$short.o" ]; then made="$made $name"; else
        echo "left out: kernels for $short (${CC%% -std=*} refuses ${flags:-its intrinsics})" >&2
    fi
done
echo "KERNELS :=$made"
