# machines.sh - qw bench and qw doctor on made-up machines: what they say of them, and that nothing
# of /proc and /sys has to be there. The trees are files in a folder, where qw-elsewhere
# (elsewhere.c) looks for them.

tree=$d/tree
# put PATH TEXT: a file of the tree
put() {
    mkdir -p "$tree/${1%/*}"
    printf '%b' "$2" > "$tree/$1"
}
# cpus FIRST LAST NAME TEXT: the same file of each of these CPUs
cpus() {
    for i in $(seq "$1" "$2"); do put "sys/devices/system/cpu/cpu$i/$3" "$4"; done
}
# cluster FIRST LAST PART CAPACITY MAX LIMIT NOW GOVERNOR: ARM cores, clocks in kHz
cluster() {
    cpus $1 $2 cpu_capacity "$4\n"
    cpus $1 $2 cpufreq/cpuinfo_max_freq "$5\n"
    cpus $1 $2 cpufreq/scaling_max_freq "$6\n"
    cpus $1 $2 cpufreq/scaling_cur_freq "$7\n"
    cpus $1 $2 cpufreq/scaling_governor "$8\n"
    cpus $1 $2 cpufreq/related_cpus "$(seq -s ' ' "$1" "$2")\n"
    for i in $(seq "$1" "$2"); do
        printf 'processor\t: %d\nCPU implementer\t: 0x41\nCPU part\t: %s\n\n' "$i" "$3"
    done >> "$tree/cpuinfo"
    mkdir -p "$tree/proc"
    cp "$tree/cpuinfo" "$tree/proc/cpuinfo"
}
new_tree() {
    rm -rf "$tree"
    mkdir "$tree"
    put sys/devices/system/cpu/present "0-$(($1 - 1))\n"
    put sys/devices/system/cpu/online "${2:-0-$(($1 - 1))}\n"
}
# says NAME FIELD VALUE...: the row in the last stdout has these
says() {
    says_name=$1
    shift
    wrong=
    while [ $# -gt 0 ]; do
        [ "$(field "$1")" = "$2" ] || wrong="$wrong $1 is $(field "$1"), not $2;"
        shift 2
    done
    check "$says_name" "$wrong" [ -z "$wrong" ]
}
small="bench -p 8 -n 4 -r 2 -o jsonl"

if [ -n "$emulator" ] || [ ! -x "$elsewhere" ]; then
    skip "made-up machines" "make test builds qw-elsewhere, which runs on them"
else
qw_before=$QW
QW=$elsewhere
QW_TEST_ROOT=$tree
export QW_TEST_ROOT QW_TEST_CPUS

new_tree 6
cluster 0 3 0xd03 485 1416000 1416000 1416000 schedutil
cluster 4 5 0xd08 1024 1800000 1200000 1200000 performance
put proc/device-tree/model "Made up board\0"
put proc/device-tree/compatible "made-up,board\0rockchip,rk3399\0"
put proc/sys/kernel/osrelease "5.10.1\n"
put proc/meminfo "MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\n"
put sys/class/thermal/thermal_zone0/type "soc-thermal\n"
put sys/class/thermal/thermal_zone0/temp "84500\n"
QW_TEST_CPUS=0-5 t "bench on a big.LITTLE board" 0 '*' "" $small
says "bench: which board" cpu_info '"Made up board"' soc '"rk3399"' n_cpus 6 \
    cores '"4 x Cortex-A53, 2 x Cortex-A72"' governor '"schedutil/performance"' \
    kernel '"5.10.1"' total_memory 4096000000 n_threads 2
says "bench: that it is limited" throttled true \
    throttled_by '"CPU 4 is limited to 1200 of 1800 MHz"' \
    celsius_before 84.5 celsius_after 84.5 mhz_before 1200 mhz_after 1200
QW_TEST_CPUS=0-5 t "bench: that board in a table" 0 '*' "" bench -p 8 -n 0 -r 2
tr '\n' ' ' < "$d/out" | sed 's/  */ /g' > "$d/a"
for want in "machine: Made up board, rk3399, 4 x Cortex-A53, 2 x Cortex-A72, governor" \
            "governor schedutil/performance, 4.1 GB, kernel 5.10.1, 1200 MHz, up to 84 C" \
            "throttled: pp8, 2 threads: CPU 4 is limited to 1200 of 1800 MHz"; do
    check "bench: below the table: ${want%%:*}" "expected $want in: $(cat "$d/out")" \
        grep -qF "$want" "$d/a"
done
check "bench: nothing is too wide" "$(cat "$d/out")" \
    [ -z "$(sed 's/±/+/g' "$d/out" | awk 'length > 80')" ]

new_tree 8                              # a phone; an app may read little
cluster 0 3 0xd05 261 1803000 1803000 1803000 walt
cluster 4 6 0xd41 871 2419000 2419000 2419000 walt
cluster 7 7 0xd44 1024 2841000 2841000 2841000 walt
QW_TEST_CPUS=0-7 t "bench on three clusters, as an app" 0 '*' "" $small
says "bench: three clusters" cores '"4 x Cortex-A55, 3 x Cortex-A78, 1 x Cortex-X1"' \
    cpu_info '"4 x Cortex-A55, 3 x Cortex-A78, 1 x Cortex-X1"' celsius_before null \
    percent_of_others null governor '"walt"' total_memory 0 throttled false mhz_after 2841

new_tree 4 0-1                          # Krait: two of four cores are off, no capacities
put proc/cpuinfo "Processor\t: ARMv7 Processor rev 1 (v7l)\nprocessor\t: 0\nprocessor\t: 1\n
Features\t: swp half thumb neon\nCPU implementer\t: 0x51\nCPU part\t: 0x06f\n
Hardware\t: Qualcomm MSM8974PRO-AC\n"
cpus 0 1 cpufreq/cpuinfo_max_freq "2457600\n"
cpus 0 1 cpufreq/scaling_cur_freq "1036800\n"
cpus 0 1 cpufreq/scaling_governor "interactive\n"
QW_TEST_CPUS=0-1 t "bench with cores that are offline" 0 '*' "" $small -t 2
says "bench: those cores" cpu_info '"Qualcomm MSM8974PRO-AC"' n_cpus 4 throttled true \
    throttled_by '"CPU 0 ran at 1037 of 2458 MHz"'
QW_TEST_CPUS=0-1 t "bench: in a table" 0 '*' "" bench -p 8 -n 0 -r 2 -t 2
out_has "bench: how many are offline" ", 2 offline"

for group in v1 v2; do
    new_tree 4
    put proc/self/cgroup "0::/\n1:cpu,cpuacct:/\n"
    put sys/fs/cgroup/cpu.max "150000 100000\n"
    [ $group = v2 ] || {
        rm "$tree/sys/fs/cgroup/cpu.max"
        put sys/fs/cgroup/cpu/cpu.cfs_quota_us "150000\n"
        put sys/fs/cgroup/cpu/cpu.cfs_period_us "100000\n"
    }
    QW_TEST_CPUS=0-3 t "bench in a control group, $group" 0 '*' "" $small
    says "bench: threads for its quota, $group" n_threads 2
done

new_tree 6
cluster 0 3 0xd03 485 1416000 1416000 1416000 powersave
cluster 4 5 0xd08 1024 1800000 1200000 1200000 performance
put proc/device-tree/model "Made up board\0"
put proc/meminfo "MemTotal: 4000000 kB\nMemAvailable: 900000 kB\n"
QW_TEST_CPUS=0-5 t "doctor on a big.LITTLE board" 0 '*' "" doctor -q q4
for want in "^Made up board, " "^memory +4[.]10 GB, 0[.]92 GB free" "^0-3 +Cortex-A53 +1416 " \
            "^4-5 +Cortex-A72 +1800 +performance +2 " "^0-5 +- +- +- +6 " \
            "^In use: 2 threads on CPUs 4-5, 6 for prompts$" \
            "^1.7b +q4 +0[.]98 +does not fit +- +-$"; do
    out_has "doctor: that board: $want" "$want"
done
[ "$(uname -m)" = x86_64 ] || out_has "doctor: its governor" "^- CPUs 0-3: the governor powersave"
[ "$(nproc)" -gt 4 ] || out_has "doctor: CPUs that it does not have" "^[*] on other CPUs than these"
check "doctor: no CPU was taken away" "$(cat "$d/out")" not grep -q "taken away" "$d/out"
out_has "doctor: its limit" "^- CPUs 4-5 may run at 1200 of 1800 MHz"
out_has "doctor: its memory" "^- 0.92 GB of memory are free: 1 of these 3 models fit"
check "doctor: nothing is too wide" "$(cat "$d/out")" [ -z "$(awk 'length > 80' "$d/out")" ]

rm -rf "$tree"
QW_TEST_CPUS=0-2 t "doctor where nothing can be read" 0 '*' "" doctor -q q4 -o json
for want in '"memory": null' '"soc": null' '"min_mhz": null' '"governor": null'; do
    out_has "doctor: unknown: $want" "$want"
done
QW_TEST_CPUS=0-2 t "bench where nothing can be read" 0 '*' "" $small
says "bench: all of it is unknown" soc '""' cores '""' governor '""' total_memory 0 \
    celsius_before null celsius_after null mhz_before null mhz_after null \
    percent_of_others null throttled null throttled_by '""'
says "bench: but for its name" cpu_info "\"unknown $(uname -m)\"" n_cpus 3

new_tree 3
for f in proc/cpuinfo proc/meminfo proc/stat proc/self/cgroup proc/self/schedstat \
         proc/device-tree/model sys/class/thermal/thermal_zone0/temp \
         sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq \
         sys/devices/system/cpu/cpu0/cpufreq/scaling_governor; do
    put $f '\033[31m\0377\0377 -1 99999999999999999999 %s%n "\\\n'
done
QW_TEST_CPUS=0-2 t "bench where all is nonsense" 0 '*' "" $small
check "bench: no control reaches the row" "$(quote "$d/out")" \
    not grep -q "$(printf '\033')" "$d/out"

QW_TEST_CPUS=0-2 t "doctor where all is nonsense" 0 '*' "" doctor -q q4
check "doctor: no control reaches the terminal" "$(quote "$d/out")" \
    not grep -q "$(printf '\033')" "$d/out"

unset QW_TEST_ROOT QW_TEST_CPUS
QW=$qw_before
fi
