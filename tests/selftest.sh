#!/bin/sh
# selftest.sh QW FAULTY [FUNCTION...] - qw selftest finds nothing wrong in QW, and in FAULTY, built
# with tests/faulty.c, each fault that is planted in a function of a level, by its name. Both may
# begin with an emulator.
qw=$1 faulty=$2
shift 2
failed=0
functions="matmul_f32 matmul_f16 matmul_bf16 matmul_q8 matmul_q4 row_f32 row_f16 row_bf16 row_q8
           row_q4 pack_q8 pack_q4 quantize quantize_fine rmsnorm rope silu_mul add store_f32
           store_f16 store_q8 attention_f32 attention_f16 attention_q8"
[ $# -eq 0 ] || functions=$*
unset QW_CPU QW_TEST_FAULT

result() {      # result RC NAME DETAIL
    if [ "$1" -eq 0 ]; then echo "ok - selftest: $2"; return; fi
    printf '  %s\nnot ok - selftest: %s\n' "$3" "$2"
    failed=1
}

levels=$($qw --version | sed 's/.*CPU levels: \(.*\))/\1/')
out=$(timeout 300 $qw selftest 2>&1)
# (qemu warns of features that it lacks.)
[ $? -eq 0 ] && [ "$(echo "$out" | grep -c ' parts right$')" -eq "$(echo "$levels" | wc -w)" ]
result $? "nothing wrong: $levels" "$out"

for level in $levels; do
    missed=
    for function in $functions; do
        out=$(QW_TEST_FAULT=$function timeout 300 $faulty selftest --cpu "$level" 2>&1)
        case "$?:$out" in
        "1:"*"qw: kernel level $level computes wrong results: $function"*) ;;
        *) missed="$missed $function ($out)" ;;
        esac
    done
    [ -z "$missed" ]
    result $? "$level: a fault is found by the name of its function" "missed:$missed"
done
exit $failed
