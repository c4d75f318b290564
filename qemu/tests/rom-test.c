/*
 * Configuration ROM, literally (IEEE 1212-2001 7, IEEE 1394a-2000 8.3.2.5).
 * The CRCs were computed by another program.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "fw-node.h"
#include "test.h"

static const uint32_t disk_rom[] = {
    0x0411ea72,
    0x31333934,     /* "1394" */
    0x00ffa022,     /* max_rec 2048 bytes, generation 2, S400 */
    0x0030e000, 0x00000001,
    0x0003bf12,     /* root directory */
    0x030030e0,
    0x81000002,     /* text */
    0xd1000007,     /* unit directory */
    0x0005ea1d,     /* text leaf */
    0x00000000, 0x00000000, 0x4c616220, 0x6469736b, 0x21000000,
    0x0002b62e,     /* unit directory */
    0x1200609e,
    0x54004000,     /* management agent at 0xfffff0010000 */
};

static FWRomDir *disk_directory(void)
{
    FWRomDir *root = fw_rom_dir_new();
    FWRomDir *unit;

    fw_rom_add_immediate(root, 0x03, 0x0030e0);
    fw_rom_add_text(root, "Lab disk!");
    unit = fw_rom_add_dir(root, 0xd1);
    fw_rom_add_immediate(unit, 0x12, 0x00609e);
    fw_rom_add_csr_offset(unit, 0x54, 0xfffff0010000ull);
    return root;
}

static FWDevice *device(void)
{
    FWDevice *dev = g_new0(FWDevice, 1);

    dev->guid = 0x0030e00000000001ull;
    dev->max_rec = 10;
    dev->node.speed = FW_S400;
    return dev;
}

static void disk(void)
{
    g_autofree FWDevice *dev = device();
    FWRomDir *root = disk_directory();
    unsigned i;

    fw_device_set_rom(dev, root);
    fw_rom_dir_free(root);
    for (i = 0; i < sizeof(dev->rom) / 4; i++) {
        g_assert_cmphex(ldl_be_p(&dev->rom[4 * i]), ==,
                        i < G_N_ELEMENTS(disk_rom) ? disk_rom[i] : 0);
    }
}

/* Bits 7:4: 1 is reserved for ROMs that change unannounced, 0 for none */
static void generation(void)
{
    g_autofree FWDevice *dev = device();
    FWRomDir *root = disk_directory();
    unsigned i, before = 0;

    for (i = 0; i < 40; i++) {
        unsigned now;

        fw_device_set_rom(dev, root);
        now = ldl_be_p(&dev->rom[8]) >> 4 & 0xf;
        g_assert_cmpuint(now, >=, 2);
        g_assert_cmpuint(now, !=, before);
        before = now;
    }
    fw_rom_dir_free(root);
}

static void options(void)
{
    g_autofree FWDevice *dev = device();
    FWRomDir *root = disk_directory();

    dev->irmc = dev->cmc = dev->bmc = true;
    dev->max_rec = 8;
    dev->node.speed = FW_S800;
    fw_device_set_rom(dev, root);
    /* cyc_clk_acc of a cycle master is 100 ppm at the most */
    g_assert_cmphex(ldl_be_p(&dev->rom[8]), ==, 0xd0648023);
    fw_rom_dir_free(root);
}

void rom_tests(void)
{
    g_test_add_func("/rom/disk", disk);
    g_test_add_func("/rom/generation", generation);
    g_test_add_func("/rom/options", options);
}
