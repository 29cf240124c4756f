/* arm_cores.c - what ARM cores are called. */
#include "sys/arm_cores.h"
#include <stddef.h>

enum {
    ARM = 0x41, BROADCOM = 0x42, CAVIUM = 0x43, FUJITSU = 0x46, HISILICON = 0x48, NVIDIA = 0x4e,
    QUALCOMM = 0x51, SAMSUNG = 0x53, MARVELL = 0x56, APPLE = 0x61, MICROSOFT = 0x6d, PHYTIUM = 0x70,
    AMPERE = 0xc0
};

static const struct { unsigned short implementer, part; const char *name; } names[] = {
    {ARM, 0xb36, "ARM1136"}, {ARM, 0xb56, "ARM1156"}, {ARM, 0xb76, "ARM1176"},
    {ARM, 0xb02, "ARM11 MPCore"},

    {ARM, 0xc05, "Cortex-A5"}, {ARM, 0xc07, "Cortex-A7"}, {ARM, 0xc08, "Cortex-A8"},
    {ARM, 0xc09, "Cortex-A9"}, {ARM, 0xc0d, "Cortex-A12"}, {ARM, 0xc0e, "Cortex-A17"},
    {ARM, 0xc0f, "Cortex-A15"},

    {ARM, 0xd01, "Cortex-A32"}, {ARM, 0xd02, "Cortex-A34"}, {ARM, 0xd03, "Cortex-A53"},
    {ARM, 0xd04, "Cortex-A35"}, {ARM, 0xd05, "Cortex-A55"}, {ARM, 0xd06, "Cortex-A65"},
    {ARM, 0xd07, "Cortex-A57"}, {ARM, 0xd08, "Cortex-A72"}, {ARM, 0xd09, "Cortex-A73"},
    {ARM, 0xd0a, "Cortex-A75"}, {ARM, 0xd0b, "Cortex-A76"}, {ARM, 0xd0c, "Neoverse-N1"},
    {ARM, 0xd0d, "Cortex-A77"}, {ARM, 0xd0e, "Cortex-A76AE"}, {ARM, 0xd40, "Neoverse-V1"},
    {ARM, 0xd41, "Cortex-A78"}, {ARM, 0xd42, "Cortex-A78AE"}, {ARM, 0xd43, "Cortex-A65AE"},
    {ARM, 0xd44, "Cortex-X1"}, {ARM, 0xd46, "Cortex-A510"}, {ARM, 0xd47, "Cortex-A710"},
    {ARM, 0xd48, "Cortex-X2"}, {ARM, 0xd49, "Neoverse-N2"}, {ARM, 0xd4a, "Neoverse-E1"},
    {ARM, 0xd4b, "Cortex-A78C"}, {ARM, 0xd4c, "Cortex-X1C"}, {ARM, 0xd4d, "Cortex-A715"},
    {ARM, 0xd4e, "Cortex-X3"}, {ARM, 0xd4f, "Neoverse-V2"}, {ARM, 0xd80, "Cortex-A520"},
    {ARM, 0xd81, "Cortex-A720"}, {ARM, 0xd82, "Cortex-X4"}, {ARM, 0xd83, "Neoverse-V3AE"},
    {ARM, 0xd84, "Neoverse-V3"}, {ARM, 0xd85, "Cortex-X925"}, {ARM, 0xd87, "Cortex-A725"},
    {ARM, 0xd88, "Cortex-A520AE"}, {ARM, 0xd89, "Cortex-A720AE"}, {ARM, 0xd8a, "C1-Nano"},
    {ARM, 0xd8b, "C1-Pro"}, {ARM, 0xd8c, "C1-Ultra"}, {ARM, 0xd8e, "Neoverse-N3"},
    {ARM, 0xd8f, "Cortex-A320"}, {ARM, 0xd90, "C1-Premium"},

    {QUALCOMM, 0x001, "Oryon"}, {QUALCOMM, 0x00f, "Scorpion"}, {QUALCOMM, 0x02d, "Scorpion"},
    {QUALCOMM, 0x04d, "Krait"}, {QUALCOMM, 0x06f, "Krait"}, {QUALCOMM, 0x201, "Kryo"},
    {QUALCOMM, 0x205, "Kryo"}, {QUALCOMM, 0x211, "Kryo"}, {QUALCOMM, 0x800, "Kryo 2xx Gold"},
    {QUALCOMM, 0x801, "Kryo 2xx Silver"}, {QUALCOMM, 0x802, "Kryo 3xx Gold"},
    {QUALCOMM, 0x803, "Kryo 3xx Silver"}, {QUALCOMM, 0x804, "Kryo 4xx Gold"},
    {QUALCOMM, 0x805, "Kryo 4xx Silver"}, {QUALCOMM, 0xc00, "Falkor"}, {QUALCOMM, 0xc01, "Saphira"},

    {SAMSUNG, 0x001, "Exynos M1"}, {SAMSUNG, 0x002, "Exynos M3"}, {SAMSUNG, 0x003, "Exynos M4"},
    {SAMSUNG, 0x004, "Exynos M5"},

    {NVIDIA, 0x000, "Denver"}, {NVIDIA, 0x003, "Denver 2"}, {NVIDIA, 0x004, "Carmel"},

    {APPLE, 0x020, "Icestorm A14"}, {APPLE, 0x021, "Firestorm A14"}, {APPLE, 0x022, "Icestorm M1"},
    {APPLE, 0x023, "Firestorm M1"}, {APPLE, 0x024, "Icestorm M1 Pro"},
    {APPLE, 0x025, "Firestorm M1 Pro"}, {APPLE, 0x028, "Icestorm M1 Max"},
    {APPLE, 0x029, "Firestorm M1 Max"}, {APPLE, 0x030, "Blizzard A15"},
    {APPLE, 0x031, "Avalanche A15"}, {APPLE, 0x032, "Blizzard M2"}, {APPLE, 0x033, "Avalanche M2"},
    {APPLE, 0x034, "Blizzard M2 Pro"}, {APPLE, 0x035, "Avalanche M2 Pro"},
    {APPLE, 0x038, "Blizzard M2 Max"}, {APPLE, 0x039, "Avalanche M2 Max"},

    {BROADCOM, 0x00f, "Brahma-B15"}, {BROADCOM, 0x100, "Brahma-B53"},
    {BROADCOM, 0x516, "ThunderX2"},
    {CAVIUM, 0x0a1, "ThunderX"}, {CAVIUM, 0x0af, "ThunderX2"},
    {MARVELL, 0x131, "Feroceon"}, {MARVELL, 0x581, "PJ4"}, {MARVELL, 0x584, "PJ4B"},
    {HISILICON, 0xd01, "TaiShan v110"}, {HISILICON, 0xd02, "TaiShan v120"},
    {HISILICON, 0xd40, "Cortex-A76"}, {HISILICON, 0xd41, "Cortex-A77"},
    {PHYTIUM, 0x303, "FTC310"}, {PHYTIUM, 0x660, "FTC660"}, {PHYTIUM, 0x661, "FTC661"},
    {PHYTIUM, 0x662, "FTC662"}, {PHYTIUM, 0x663, "FTC663"}, {PHYTIUM, 0x664, "FTC664"},
    {PHYTIUM, 0x862, "FTC862"},
    {AMPERE, 0xac3, "Ampere-1"}, {AMPERE, 0xac4, "Ampere-1A"},
    {FUJITSU, 0x001, "A64FX"}, {MICROSOFT, 0xd49, "Azure Cobalt 100"},
};

const char *arm_core_name(unsigned implementer, unsigned part) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].implementer == implementer && names[i].part == part) return names[i].name;
    return NULL;
}
