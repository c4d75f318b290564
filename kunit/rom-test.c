// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit directories: of real devices, of every shape that IEEE 1212 and SBP-2
 * clause 7 allow, and broken ones.
 *
 * Every ROM is parsed in memory of exactly its size, so that KASAN sees
 * whoever reads behind it. CRCs are right where they are those of a real
 * device; nobody checks them.
 */
#include "../drivers/firewire/sbp2x/rom.c"

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#define MISSING	0xff000000

struct result {
	struct sbp2x_unit_info info;
	const char *complaint;
	int ret;
};

static noinline_for_stack void
parse_copy(struct kunit *test, const u32 *rom, size_t quadlets,
	   size_t directory, struct result *result)
{
	size_t size = quadlets * sizeof(*rom);
	u32 *copy = kmemdup(rom, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memset(result, 0xa5, sizeof(*result));
	result->ret = sbp2x_rom_parse(copy, quadlets, directory, &result->info,
				      &result->complaint);
	KUNIT_EXPECT_EQ(test, memcmp(copy, rom, size), 0);
	kfree(copy);
}

static const struct result *read_rom(struct kunit *test, const u32 *rom,
				     size_t quadlets, size_t directory)
{
	struct result *result;

	result = kunit_kmalloc(test, sizeof(*result), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, result);
	parse_copy(test, rom, quadlets, directory, result);

	return result;
}

#define HEAD_QUADLETS	10
#define MAX_ROM		256

/* What stands before the unit directory in the ROMs of these cases */
static const u32 head[HEAD_QUADLETS] = {
	0x04040000, 0x31333934, 0x00ff5000, 0x00112233, 0x44556677,
	0x00040000,	/* root directory */
	0x03001122, 0x17fedcba, 0x0c0083c0, 0xd1000001,
};

/* Its address, and so its implicit Directory_ID, is ffff f000 0428 */
static const struct result *read_unit(struct kunit *test, const u32 *unit,
				      size_t quadlets)
{
	u32 *rom;

	rom = kunit_kmalloc_array(test, MAX_ROM, sizeof(*rom), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rom);
	KUNIT_ASSERT_LE(test, HEAD_QUADLETS + quadlets, MAX_ROM);
	memcpy(rom, head, sizeof(head));
	memcpy(rom + HEAD_QUADLETS, unit, quadlets * sizeof(*unit));

	return read_rom(test, rom, HEAD_QUADLETS + quadlets, HEAD_QUADLETS);
}

static void expect_unit(struct kunit *test, const struct sbp2x_unit_info *got,
			const struct sbp2x_unit_info *want)
{
	KUNIT_EXPECT_EQ(test, got->management_agent, want->management_agent);
	KUNIT_EXPECT_EQ(test, got->unit_unique_id, want->unit_unique_id);
	KUNIT_EXPECT_EQ(test, got->directory_id, want->directory_id);
	KUNIT_EXPECT_EQ(test, got->firmware_revision, want->firmware_revision);
	KUNIT_EXPECT_EQ(test, got->model_id, want->model_id);
	KUNIT_EXPECT_EQ(test, got->mgt_orb_timeout_ms,
			want->mgt_orb_timeout_ms);
	KUNIT_EXPECT_EQ(test, got->orb_size, want->orb_size);
	KUNIT_EXPECT_EQ(test, got->max_reconnect_hold,
			want->max_reconnect_hold);
	KUNIT_EXPECT_EQ(test, got->command_set_spec_id,
			want->command_set_spec_id);
	KUNIT_EXPECT_EQ(test, got->command_set, want->command_set);
	KUNIT_EXPECT_EQ(test, got->fast_start, want->fast_start);
	KUNIT_EXPECT_EQ(test, got->count, want->count);
}

static void expect_lun(struct kunit *test, const struct sbp2x_unit_info *info,
		       unsigned int index, u16 lun, u8 device_type,
		       bool ordered)
{
	KUNIT_ASSERT_LT(test, index, info->count);
	KUNIT_EXPECT_EQ(test, info->logical_unit[index].lun, lun);
	KUNIT_EXPECT_EQ(test, info->logical_unit[index].device_type,
			device_type);
	KUNIT_EXPECT_EQ(test, info->logical_unit[index].ordered, ordered);
}

static void expect_good(struct kunit *test, const struct result *result)
{
	KUNIT_EXPECT_EQ(test, result->ret, 0);
	KUNIT_EXPECT_NULL(test, result->complaint);
}

/*
 * Real devices
 */

/*
 * Oxford OXFW911 behind an optical drive, as published at
 * http://ookumaneko.s1005.xrea.com/conf_rom.htm; the CRCs of both directories
 * are right. The text leaves behind the unit directory are left out.
 */
static const u32 oxford_911[] = {
	0x04392524, 0x31333934, 0x00ff5000, 0x0030e000, 0x000001fa,
	0x0006f1b3,	/* root directory */
	0x0c0083c0, 0x030030e0, 0x81000014, 0x0400f911, 0x8100001d, 0xd1000001,
	0x000c829d,	/* unit directory */
	0x1200609e, 0x13010483, 0x3c000025, 0x5400c000, 0x3a003c08, 0x3800609e,
	0x390104d8, 0x3b000000, 0x3d000003, 0x14450000, 0x17000001, 0x81000015,
};

static void rom_oxford_911(struct kunit *test)
{
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0030000,
		.unit_unique_id = 0x0030e000000001fa,
		.directory_id = 0x000430,
		.firmware_revision = 0x000025,
		.model_id = 0x000001,
		.mgt_orb_timeout_ms = 30000,
		.orb_size = 32,
		.max_reconnect_hold = 4,
		.command_set_spec_id = 0x00609e,
		.command_set = 0x0104d8,
		.count = 1,
	};
	const struct result *result;

	result = read_rom(test, oxford_911, ARRAY_SIZE(oxford_911), 12);
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0, 0x05, true);
}

/*
 * Nikon LS-4000 ED. Bus information block, root and unit directory are the
 * device's: their CRCs 5343, b344 and caee are known and right, and udev shows
 * ieee1394_id 0090b54001ffffff:00042c:0000. The text leaves are made up.
 */
static const u32 nikon_ls_4000[] = {
	0x04045343, 0x31333934, 0x00ff5012, 0x0090b540, 0x01ffffff,
	0x0005b344,	/* root directory */
	0x0c0083c0, 0x030090b5, 0x8100000d, 0x0400500a, 0xd1000001,
	0x0009caee,	/* unit directory */
	0x1200609e, 0x13010483, 0x5400c000, 0x3a000a08, 0x14060000, 0x3800609e,
	0x390104d8, 0x17004001, 0x81000007,
	0x00059af5,	/* "Nikon" */
	0x00000000, 0x00000000, 0x4e696b6f, 0x6e000000, 0x00000000,
	0x00065a5c,	/* "LS-4000 ED" */
	0x00000000, 0x00000000, 0x4c532d34, 0x30303020, 0x45440000, 0x00000000,
};

static void rom_nikon_ls_4000(struct kunit *test)
{
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0030000,
		.unit_unique_id = 0x0090b54001ffffff,
		.directory_id = 0x00042c,
		.firmware_revision = MISSING,
		.model_id = 0x004001,
		.mgt_orb_timeout_ms = 5000,
		.orb_size = 32,
		.command_set_spec_id = 0x00609e,
		.command_set = 0x0104d8,
		.count = 1,
	};
	const struct result *result;

	result = read_rom(test, nikon_ls_4000, ARRAY_SIZE(nikon_ls_4000), 11);
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0, 0x06, false);
}

/*
 * Nikon LS-9000 ED, from Nikon's interface specification, 1-1-8. Made up: the
 * serial number (ff ffff), the padding of the texts and the CRCs.
 */
static const u32 nikon_ls_9000[] = {
	0x04110000, 0x31333934, 0x00ff5012, 0x0090b540, 0x03ffffff,
	0x00050000,	/* root directory */
	0x030090b5, 0x0c0083c0, 0x8100000d, 0x0400500a, 0xd1000001,
	0x00090000,	/* unit directory */
	0x1200609e, 0x13010483, 0x5400c000, 0x3a000a08, 0x14060000, 0x3800609e,
	0x390104d8, 0x17004002, 0x81000007,
	0x00050000,	/* "Nikon" */
	0x00000000, 0x00000000, 0x4e696b6f, 0x6e000000, 0x00000000,
	0x00060000,	/* "LS-9000 ED" */
	0x00000000, 0x00000000, 0x4c532d39, 0x30303020, 0x45440000, 0x00000000,
};

static void rom_nikon_ls_9000(struct kunit *test)
{
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0030000,
		.unit_unique_id = 0x0090b54003ffffff,
		.directory_id = 0x00042c,
		.firmware_revision = MISSING,
		.model_id = 0x004002,
		.mgt_orb_timeout_ms = 5000,
		.orb_size = 32,
		.command_set_spec_id = 0x00609e,
		.command_set = 0x0104d8,
		.count = 1,
	};
	const struct result *result;

	result = read_rom(test, nikon_ls_9000, ARRAY_SIZE(nikon_ls_9000), 11);
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0, 0x06, false);
}

/*
 * iPod, fourth generation. The unit directory is the one that libforensic1394
 * shows in order to pass for one, and its CRC is right; the rest is made up,
 * but for Apple's OUI.
 */
static const u32 ipod[] = {
	0x04040000, 0x31333934, 0x00ff5002, 0x000a2700, 0x12345678,
	0x00030000,	/* root directory */
	0x03000a27, 0x0c0083c0, 0xd1000001,
	0x000dc4fc,	/* unit directory */
	0x1200609e, 0x13010483, 0x21000001, 0x3a000a08, 0x3e004c10, 0x3800609e,
	0x390104d8, 0x3b000000, 0x3c0a2700, 0x54004000, 0x3d000003, 0x140e0000,
	0x17000021,
};

static void rom_ipod(struct kunit *test)
{
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0010000,
		.unit_unique_id = 0x000a270012345678,
		.directory_id = 0x000424,
		.firmware_revision = 0x0a2700,
		.model_id = 0x000021,
		.mgt_orb_timeout_ms = 5000,
		.orb_size = 32,
		.max_reconnect_hold = 4,
		.command_set_spec_id = 0x00609e,
		.command_set = 0x0104d8,
		.fast_start = true,
		.count = 1,
	};
	const struct result *result;

	result = read_rom(test, ipod, ARRAY_SIZE(ipod), 9);
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0, 0x0e, false);
}

/*
 * What LIO's sbp_target adds to the ROM that Linux 6.12 gives a card: a disk
 * and an optical drive, directory_id unset. The GUID is made up.
 */
static const u32 lio[] = {
	0x0404f7b0, 0x31333934, 0xf000a022, 0x00112233, 0x44556677,
	0x0006a2d2,	/* root directory */
	0x0c0083c0, 0x03001f11, 0x81000004, 0x17023901, 0x81000009, 0xd100000c,
	0x00064cb7,	/* "Linux Firewire" */
	0x00000000, 0x00000000, 0x4c696e75, 0x78204669, 0x72657769, 0x72650000,
	0x0003ff1c,	/* "Juju" */
	0x00000000, 0x00000000, 0x4a756a75,
	0x000c99ed,	/* unit directory */
	0x1200609e, 0x13010483, 0x3800609e, 0x390104d8, 0x3b000000, 0x3c000001,
	0x54004000, 0x3a001e08, 0x3d000005, 0x8d000003, 0x14000000, 0x14050001,
	0x00026dc1,	/* Unit_Unique_ID */
	0x00112233, 0x44556677,
};

static void rom_lio(struct kunit *test)
{
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0010000,
		.unit_unique_id = 0x0011223344556677,
		.directory_id = 0x00045c,
		.firmware_revision = 0x000001,
		.model_id = MISSING,
		.mgt_orb_timeout_ms = 15000,
		.orb_size = 32,
		.max_reconnect_hold = 6,
		.command_set_spec_id = 0x00609e,
		.command_set = 0x0104d8,
		.count = 2,
	};
	const struct result *result;

	result = read_rom(test, lio, ARRAY_SIZE(lio), 23);
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0, 0x00, false);
	expect_lun(test, &result->info, 1, 1, 0x05, false);
}

/*
 * Prolific PL-3507. Known from kernel logs: GUID, vendor, firmware revision
 * and model, and that it holds a login for one second. The rest is made up.
 */
static void rom_prolific_pl_3507(struct kunit *test)
{
	static const u32 rom[] = {
		0x04040000, 0x31333934, 0x00ff5000, 0x0050770e, 0x100034a9,
		0x00030000,	/* root directory */
		0x03005077, 0x0c0083c0, 0xd1000001,
		0x000a0000,	/* unit directory */
		0x1200609e, 0x13010483, 0x3800609e, 0x390104d8, 0x3c012804,
		0x17000001, 0x54004000, 0x3a001408, 0x3d000000, 0x140e0000,
	};
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0010000,
		.unit_unique_id = 0x0050770e100034a9,
		.directory_id = 0x000424,
		.firmware_revision = 0x012804,
		.model_id = 0x000001,
		.mgt_orb_timeout_ms = 10000,
		.orb_size = 32,
		.max_reconnect_hold = 1,
		.command_set_spec_id = 0x00609e,
		.command_set = 0x0104d8,
		.count = 1,
	};
	const struct result *result;

	result = read_rom(test, rom, ARRAY_SIZE(rom), 9);
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0, 0x0e, false);
}

/*
 * LaCie with Oxford OXUF934. Known: LaCie's OUI, and the hold of 4 s that
 * Oxford's FireWire 800 bridges grant. The rest is made up.
 */
static void rom_lacie_oxuf934(struct kunit *test)
{
	static const u32 rom[] = {
		0x04040000, 0x31333934, 0x00ff5002, 0x00d04b00, 0x12345678,
		0x00030000,	/* root directory */
		0x0300d04b, 0x0c0083c0, 0xd1000001,
		0x000b0000,	/* unit directory */
		0x1200609e, 0x13010483, 0x3c000100, 0x5400c000, 0x3a003c08,
		0x3800609e, 0x390104d8, 0x3b000000, 0x3d000003, 0x144e0000,
		0x17000002,
	};
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0030000,
		.unit_unique_id = 0x00d04b0012345678,
		.directory_id = 0x000424,
		.firmware_revision = 0x000100,
		.model_id = 0x000002,
		.mgt_orb_timeout_ms = 30000,
		.orb_size = 32,
		.max_reconnect_hold = 4,
		.command_set_spec_id = 0x00609e,
		.command_set = 0x0104d8,
		.count = 1,
	};
	const struct result *result;

	result = read_rom(test, rom, ARRAY_SIZE(rom), 9);
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0, 0x0e, true);
}

/*
 * Mac in target disk mode. Known: Apple's OUI, one logical unit a disk, the
 * hold of one second. The rest is made up.
 */
static void rom_mac_target_disk_mode(struct kunit *test)
{
	static const u32 rom[] = {
		0x04040000, 0x31333934, 0x00ff8002, 0x00039300, 0x12345678,
		0x00030000,	/* root directory */
		0x03000393, 0x0c0083c0, 0xd1000001,
		0x00090000,	/* unit directory */
		0x1200609e, 0x13010483, 0x3800609e, 0x390104d8, 0x54004000,
		0x3a000a08, 0x3d000000, 0x140e0000, 0x14050001,
	};
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0010000,
		.unit_unique_id = 0x0003930012345678,
		.directory_id = 0x000424,
		.firmware_revision = MISSING,
		.model_id = MISSING,
		.mgt_orb_timeout_ms = 5000,
		.orb_size = 32,
		.max_reconnect_hold = 1,
		.command_set_spec_id = 0x00609e,
		.command_set = 0x0104d8,
		.count = 2,
	};
	const struct result *result;

	result = read_rom(test, rom, ARRAY_SIZE(rom), 9);
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0, 0x0e, false);
	expect_lun(test, &result->info, 1, 1, 0x05, false);
}

/*
 * Shapes
 */

/* Nothing but what must be there: all else has its default */
static void rom_minimal(struct kunit *test)
{
	static const u32 unit[] = {
		0x00040000,
		0x1200609e, 0x13010483, 0x54004000, 0x14000000,
	};
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0010000,
		.unit_unique_id = 0x0011223344556677,
		.directory_id = 0x000428,
		.firmware_revision = MISSING,
		.model_id = MISSING,	/* not the one of the root directory */
		.count = 1,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0, 0, false);
}

/* Every immediate entry at its lowest value: zero is not "absent" */
static void rom_lowest(struct kunit *test)
{
	static const u32 unit[] = {
		0x000b0000,
		0x54000200, 0x14000000, 0x17000000, 0x20000000, 0x38000000,
		0x39000000, 0x3a000008, 0x3b000000, 0x3c000000, 0x3d000000,
		0x3e000000,
	};
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0000800,
		.unit_unique_id = 0x0011223344556677,
		.orb_size = 32,
		.max_reconnect_hold = 1,
		.fast_start = true,
		.count = 1,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0, 0, false);
}

static void rom_highest(struct kunit *test)
{
	static const u32 unit[] = {
		0x000b0000,
		0x54ffffff, 0x14ffffff, 0x17ffffff, 0x20ffffff, 0x38ffffff,
		0x39ffffff, 0x3affffff, 0x3bffffff, 0x3cffffff, 0x3dffffff,
		0x3effffff,
	};
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff3fffffc,
		.unit_unique_id = 0x0011223344556677,
		.directory_id = 0xffffff,
		.firmware_revision = 0xffffff,
		.model_id = 0xffffff,
		.mgt_orb_timeout_ms = 127500,
		.orb_size = 1020,
		.max_reconnect_hold = 65536,
		.command_set_spec_id = 0xffffff,
		.command_set = 0xffffff,
		.fast_start = true,
		.count = 1,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 0xffff, 0x1f, true);
}

/* The fields of Logical_Unit_Number, one at a time; order is the ROM's */
static void rom_several_luns(struct kunit *test)
{
	static const u32 unit[] = {
		0x00060000,
		0x54004000,
		0x1400ffff, 0x141f0001, 0x14400002, 0x14a00003, 0x14050000,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	expect_good(test, result);
	KUNIT_EXPECT_EQ(test, result->info.count, 5);
	expect_lun(test, &result->info, 0, 0xffff, 0x00, false);
	expect_lun(test, &result->info, 1, 0x0001, 0x1f, false);
	expect_lun(test, &result->info, 2, 0x0002, 0x00, true);
	/* Extended status and isochronous, both of SBP-3 */
	expect_lun(test, &result->info, 3, 0x0003, 0x00, false);
	expect_lun(test, &result->info, 4, 0x0000, 0x05, false);
}

/* In a directory of their own, in the unit directory, in one more */
static void rom_logical_unit_directory(struct kunit *test)
{
	static const u32 unit[] = {
		0x00040000,
		0x54004000, 0xd4000003, 0x14000000, 0xd4000003,
		0x00010000,	/* the first */
		0x14050001,
		0x00020000,	/* the second */
		0x14070002, 0x14400003,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	expect_good(test, result);
	KUNIT_EXPECT_EQ(test, result->info.count, 4);
	expect_lun(test, &result->info, 0, 1, 0x05, false);
	expect_lun(test, &result->info, 1, 0, 0x00, false);
	expect_lun(test, &result->info, 2, 2, 0x07, false);
	expect_lun(test, &result->info, 3, 3, 0x00, true);
}

/*
 * A directory of logical units may repeat command set and model, and may hold
 * rubbish; it must not change what holds for the unit.
 */
static void rom_logical_unit_directory_own(struct kunit *test)
{
	static const u32 unit[] = {
		0x00080000,
		0x54004000, 0x3a000a08, 0x3c000025, 0x17000001, 0x3800609e,
		0x390104d8, 0x3d000003, 0xd4000001,
		0x000b0000,
		0x54008000, 0x3a00ff10, 0x3c012804, 0x17000002, 0x38123456,
		0x39654321, 0x3d000009, 0x20abcdef, 0x3e000000, 0x14000005,
		0xd4000001,	/* no directories below it */
		0x00010000,
		0x14000006,
	};
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0010000,
		.unit_unique_id = 0x0011223344556677,
		.directory_id = 0x000428,
		.firmware_revision = 0x000025,
		.model_id = 0x000001,
		.mgt_orb_timeout_ms = 5000,
		.orb_size = 32,
		.max_reconnect_hold = 4,
		.command_set_spec_id = 0x00609e,
		.command_set = 0x0104d8,
		.count = 1,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
	expect_lun(test, &result->info, 0, 5, 0, false);
}

/* An EUI-64 of the unit's own */
static void rom_unit_unique_id(struct kunit *test)
{
	static const u32 unit[] = {
		0x00030000,
		0x54004000, 0x14000000, 0x8d000001,
		0x00020000, 0xfedcba98, 0x76543210,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	expect_good(test, result);
	KUNIT_EXPECT_EQ(test, result->info.unit_unique_id, 0xfedcba9876543210);
}

/*
 * firewire-sbp2 takes the leaf for an EUI-64 where it is of two quadlets only,
 * and names of disks must stay what they were.
 */
static void rom_unit_unique_id_too_long(struct kunit *test)
{
	static const u32 unit[] = {
		0x00030000,
		0x54004000, 0x14000000, 0x8d000001,
		0x00030000, 0xfedcba98, 0x76543210, 0x00000000,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	KUNIT_EXPECT_EQ(test, result->ret, 0);
	KUNIT_EXPECT_STREQ(test, result->complaint,
			   "the Unit_Unique_ID leaf is not of 8 bytes");
	KUNIT_EXPECT_EQ(test, result->info.unit_unique_id, 0x0011223344556677);
}

/* IEEE 1212: the entry wins over the address of the directory */
static void rom_directory_id(struct kunit *test)
{
	static const u32 explicit[] = {
		0x00030000,
		0x20654321, 0x54004000, 0x14000000,
	};
	static const u32 implicit[] = {
		0x00020000,
		0x54004000, 0x14000000,
	};

	KUNIT_EXPECT_EQ(test, read_unit(test, explicit, ARRAY_SIZE(explicit))
			->info.directory_id, 0x654321);
	KUNIT_EXPECT_EQ(test, read_unit(test, implicit, ARRAY_SIZE(implicit))
			->info.directory_id, 0x000428);
}

/* At the end of a ROM of 1 KiB, and of one that no 1394 node can have */
static void rom_directory_id_implicit_far(struct kunit *test)
{
	static const u32 unit[] = { 0x00020000, 0x54004000, 0x14000000 };
	const size_t quadlets = 0x10000;
	const struct result *result;
	u32 *rom;

	rom = kunit_kcalloc(test, quadlets, sizeof(*rom), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rom);
	memcpy(&rom[253], unit, sizeof(unit));
	result = read_rom(test, rom, 256, 253);
	expect_good(test, result);
	KUNIT_EXPECT_EQ(test, result->info.directory_id, 0x0007f4);

	memcpy(&rom[quadlets - 3], unit, sizeof(unit));
	result = read_rom(test, rom, quadlets, quadlets - 3);
	expect_good(test, result);
	KUNIT_EXPECT_EQ(test, result->info.directory_id, 0x0403f4);
}

struct characteristics {
	const char *name;
	u32 entry;
	u32 mgt_orb_timeout_ms;
	u32 orb_size;
	const char *complaint;
};

#define SMALL_ORB	"ORB_size below 32 bytes, 32 are assumed"

/* Unit_Characteristics, 7.4.8: reserved, mgt_ORB_timeout, ORB_size */
static const struct characteristics characteristics[] = {
	{ "timeout 0",			0x3a000008, 0, 32 },
	{ "timeout 0.5 s",		0x3a000108, 500, 32 },
	{ "timeout 127 s",		0x3a00fe08, 127000, 32 },
	{ "timeout 127.5 s",		0x3a00ff08, 127500, 32 },
	{ "ORB_size 32, the least",	0x3a000a08, 5000, 32 },
	{ "ORB_size 36",		0x3a000a09, 5000, 36 },
	{ "ORB_size 64",		0x3a000a10, 5000, 64 },
	{ "ORB_size 1020, the most",	0x3a000aff, 5000, 1020 },
	{ "ORB_size 28",		0x3a000a07, 5000, 32, SMALL_ORB },
	{ "ORB_size 4",			0x3a000a01, 5000, 32, SMALL_ORB },
	{ "ORB_size 0, not said",	0x3a000a00, 5000, 0 },
	{ "nothing said",		0x3a000000, 0, 0 },
	{ "reserved bits",		0x3aff0a08, 5000, 32 },
};

KUNIT_ARRAY_PARAM_DESC(characteristics, characteristics, name);

static void rom_characteristics(struct kunit *test)
{
	const struct characteristics *want = test->param_value;
	const u32 unit[] = {
		0x00030000,
		0x54004000, want->entry, 0x14000000,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	KUNIT_EXPECT_EQ(test, result->ret, 0);
	KUNIT_EXPECT_EQ(test, result->info.mgt_orb_timeout_ms,
			want->mgt_orb_timeout_ms);
	KUNIT_EXPECT_EQ(test, result->info.orb_size, want->orb_size);
	if (want->complaint)
		KUNIT_EXPECT_STREQ(test, result->complaint, want->complaint);
	else
		KUNIT_EXPECT_NULL(test, result->complaint);
}

/* Entries of other keys, also of those that look similar, mean nothing */
static void rom_other_keys(struct kunit *test)
{
	static const u32 unit[] = {
		0x000d0000,
		0x54004000, 0x14000000,
		0x00000000,	/* firewire-core blanks what it cannot read */
		0x94000001, 0x7a00ff08, 0xba000000, 0x7d000009, 0x57000007,
		0x3f123456, 0x21000001, 0x81ffffff, 0x0d000001, 0xffffffff,
	};
	static const struct sbp2x_unit_info want = {
		.management_agent = 0xfffff0010000,
		.unit_unique_id = 0x0011223344556677,
		.directory_id = 0x000428,
		.firmware_revision = MISSING,
		.model_id = MISSING,
		.count = 1,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	expect_good(test, result);
	expect_unit(test, &result->info, &want);
}

/* As firewire-sbp2: of entries that stand there twice, the later counts */
static void rom_repeated_entries(struct kunit *test)
{
	static const u32 unit[] = {
		0x00070000,
		0x54004000, 0x17000001, 0x3a000a08,
		0x54008000, 0x17000002, 0x3a001410, 0x14000000,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	expect_good(test, result);
	KUNIT_EXPECT_EQ(test, result->info.management_agent, 0xfffff0020000);
	KUNIT_EXPECT_EQ(test, result->info.model_id, 2);
	KUNIT_EXPECT_EQ(test, result->info.mgt_orb_timeout_ms, 10000);
	KUNIT_EXPECT_EQ(test, result->info.orb_size, 64);
}

/* What follows the unit directory is not part of it */
static void rom_end_of_directory(struct kunit *test)
{
	static const u32 unit[] = {
		0x00020000,
		0x54004000, 0x14000000,
		0x14000001, 0x17000001,
	};
	const struct result *result;

	result = read_unit(test, unit, ARRAY_SIZE(unit));
	expect_good(test, result);
	KUNIT_EXPECT_EQ(test, result->info.count, 1);
	KUNIT_EXPECT_EQ(test, result->info.model_id, MISSING);
}

static const struct result *read_many_luns(struct kunit *test, u32 count)
{
	u32 unit[72] = { (count + 1) << 16, 0x54004000 };
	u32 i;

	KUNIT_ASSERT_LE(test, count, 70);
	for (i = 0; i < count; i++)
		unit[2 + i] = 0x14000000 | (count - i);

	return read_unit(test, unit, count + 2);
}

static void rom_most_luns(struct kunit *test)
{
	const struct result *result = read_many_luns(test, 64);

	expect_good(test, result);
	KUNIT_EXPECT_EQ(test, result->info.count, 64);
	expect_lun(test, &result->info, 0, 64, 0, false);
	expect_lun(test, &result->info, 63, 1, 0, false);
}

static void rom_too_many_luns(struct kunit *test)
{
	const struct result *result = read_many_luns(test, 70);

	KUNIT_EXPECT_EQ(test, result->ret, 0);
	KUNIT_EXPECT_STREQ(test, result->complaint,
			   "more than 64 logical units, the others are ignored");
	KUNIT_EXPECT_EQ(test, result->info.count, 64);
	expect_lun(test, &result->info, 0, 70, 0, false);
	expect_lun(test, &result->info, 63, 7, 0, false);
}

/*
 * Broken ROMs
 */

struct broken {
	const char *name;
	u32 unit[8];
	size_t quadlets;
	int ret;
	unsigned int count;
	const char *complaint;
};

#define TOO_LONG	"a directory or leaf is longer than the ROM"
#define OUTSIDE		"an entry points outside the ROM or to itself"
#define NO_AGENT	"no Management_Agent entry"
#define IN_CORE		"the management agent lies in the core's registers"
#define NO_LUN		"no logical unit"
#define TWICE		"a logical unit number is listed twice"
#define NOT_EUI_64	"the Unit_Unique_ID leaf is not of 8 bytes"

static const struct broken broken[] = {
	{
		"directory of length 0",
		{ 0x00000000, 0x54004000, 0x14000000 }, 3,
		-EINVAL, 0, NO_AGENT,
	}, {
		"directory of length 0, the last quadlet",
		{ 0x00000000 }, 1,
		-EINVAL, 0, NO_AGENT,
	}, {
		"directory of length ffff",
		{ 0xffff0000, 0x54004000, 0x14000000 }, 3,
		0, 1, TOO_LONG,
	}, {
		"length ffff, the last quadlet",
		{ 0xffff0000 }, 1,
		-EINVAL, 0, TOO_LONG,
	}, {
		"directory one quadlet too long",
		{ 0x00030000, 0x54004000, 0x14000000 }, 3,
		0, 1, TOO_LONG,
	}, {
		"cut off before the agent",
		{ 0x00020000, 0x14000000 }, 2,
		-EINVAL, 1, TOO_LONG,
	}, {
		"no agent",
		{ 0x00010000, 0x14000000 }, 2,
		-EINVAL, 1, NO_AGENT,
	}, {
		"no logical unit",
		{ 0x00010000, 0x54004000 }, 2,
		-EINVAL, 0, NO_LUN,
	}, {
		"key 14 is no agent",
		{ 0x00010000, 0x14004000 }, 2,
		-EINVAL, 1, NO_AGENT,
	}, {
		"keys 94 and d4 are no agents",
		{ 0x00030000, 0x94000002, 0xd4000001, 0x14000000 }, 4,
		-EINVAL, 1, TOO_LONG,
	}, {
		"agent at the base",
		{ 0x00020000, 0x54000000, 0x14000000 }, 3,
		-EINVAL, 1, IN_CORE,
	}, {
		"agent in the ROM",
		{ 0x00020000, 0x54000100, 0x14000000 }, 3,
		-EINVAL, 1, IN_CORE,
	}, {
		"agent in the last quadlet of the ROM",
		{ 0x00020000, 0x540001ff, 0x14000000 }, 3,
		-EINVAL, 1, IN_CORE,
	}, {
		"agent at the start of units space",
		{ 0x00020000, 0x54000200, 0x14000000 }, 3,
		0, 1, NULL,
	}, {
		"remark, then the cause of the refusal",
		{ 0x00020000, 0x3a000a01, 0x14000000 }, 3,
		-EINVAL, 1, NO_AGENT,
	}, {
		"the same LUN twice",
		{ 0x00030000, 0x54004000, 0x14000001, 0x14050001 }, 4,
		0, 1, TWICE,
	}, {
		"the same LUN in both directories",
		{ 0x00030000, 0x54004000, 0x14000001, 0xd4000001,
		  0x00010000, 0x14000001 }, 6,
		0, 1, TWICE,
	}, {
		"LUN directory: offset 0",
		{ 0x00030000, 0x54004000, 0xd4000000, 0x14000000 }, 4,
		0, 1, OUTSIDE,
	}, {
		"LUN directory: one past the end",
		{ 0x00030000, 0x54004000, 0x14000000, 0xd4000001 }, 4,
		0, 1, OUTSIDE,
	}, {
		"LUN directory: offset ffffff",
		{ 0x00030000, 0x54004000, 0x14000000, 0xd4ffffff }, 4,
		0, 1, OUTSIDE,
	}, {
		"LUN directory: the last quadlet",
		{ 0x00030000, 0x54004000, 0x14000000, 0xd4000001,
		  0x00000000 }, 5,
		0, 1, NULL,
	}, {
		"LUN directory: length ffff",
		{ 0x00020000, 0x54004000, 0xd4000001,
		  0xffff0000, 0x14000001 }, 5,
		0, 1, TOO_LONG,
	}, {
		"LUN directory: empty",
		{ 0x00020000, 0x54004000, 0xd4000001, 0x00000000 }, 4,
		-EINVAL, 0, NO_LUN,
	}, {
		"LUN directory: the next entry",
		{ 0x00030000, 0x54004000, 0xd4000001, 0x14000000 }, 4,
		0, 1, TOO_LONG,
	}, {
		"LUN directory: refers to itself",
		{ 0x00020000, 0x54004000, 0xd4000001,
		  0x00020000, 0xd4ffffff, 0x14000000 }, 6,
		0, 1, NULL,
	}, {
		"leaf: offset 0",
		{ 0x00030000, 0x54004000, 0x14000000, 0x8d000000 }, 4,
		0, 1, OUTSIDE,
	}, {
		"leaf: one past the end",
		{ 0x00030000, 0x54004000, 0x14000000, 0x8d000001 }, 4,
		0, 1, OUTSIDE,
	}, {
		"leaf: offset ffffff",
		{ 0x00030000, 0x54004000, 0x14000000, 0x8dffffff }, 4,
		0, 1, OUTSIDE,
	}, {
		"leaf: header only",
		{ 0x00030000, 0x54004000, 0x14000000, 0x8d000001,
		  0x00020000 }, 5,
		0, 1, TOO_LONG,
	}, {
		"leaf: half of it",
		{ 0x00030000, 0x54004000, 0x14000000, 0x8d000001,
		  0x00020000, 0xffffffff }, 6,
		0, 1, TOO_LONG,
	}, {
		"leaf: length 0",
		{ 0x00030000, 0x54004000, 0x14000000, 0x8d000001,
		  0x00000000, 0xffffffff, 0xffffffff }, 7,
		0, 1, NOT_EUI_64,
	}, {
		"leaf: length 1",
		{ 0x00030000, 0x54004000, 0x14000000, 0x8d000001,
		  0x00010000, 0xffffffff, 0xffffffff }, 7,
		0, 1, NOT_EUI_64,
	}, {
		"leaf: length ffff",
		{ 0x00030000, 0x54004000, 0x14000000, 0x8d000001,
		  0xffff0000, 0xffffffff, 0xffffffff }, 7,
		0, 1, TOO_LONG,
	},
};

KUNIT_ARRAY_PARAM_DESC(broken, broken, name);

static void rom_broken(struct kunit *test)
{
	const struct broken *want = test->param_value;
	const struct result *result;

	result = read_unit(test, want->unit, want->quadlets);
	KUNIT_EXPECT_EQ(test, result->ret, want->ret);
	KUNIT_EXPECT_EQ(test, result->info.count, want->count);
	if (want->complaint)
		KUNIT_EXPECT_STREQ(test, result->complaint, want->complaint);
	else
		KUNIT_EXPECT_NULL(test, result->complaint);
	/* No broken leaf gives the disk another name */
	KUNIT_EXPECT_EQ(test, result->info.unit_unique_id, 0x0011223344556677);
}

/* A directory that is no part of the ROM, and ROMs too short for a GUID */
static void rom_no_directory(struct kunit *test)
{
	static const size_t directories[] = {
		HEAD_QUADLETS, HEAD_QUADLETS + 1, 0x10000, SIZE_MAX / 4,
		SIZE_MAX,
	};
	const struct result *result;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(directories); i++) {
		result = read_rom(test, head, HEAD_QUADLETS, directories[i]);
		KUNIT_EXPECT_EQ(test, result->ret, -EINVAL);
		KUNIT_EXPECT_STREQ(test, result->complaint,
				   "the unit directory lies outside the ROM");
	}
	for (i = 0; i < 5; i++) {
		result = read_rom(test, head, i, 0);
		KUNIT_EXPECT_EQ(test, result->ret, -EINVAL);
		KUNIT_EXPECT_STREQ(test, result->complaint,
				   "the unit directory lies outside the ROM");
	}
}

/*
 * What holds for every ROM, good or bad
 */

static noinline_for_stack void
expect_luns_unique(struct kunit *test, const struct sbp2x_unit_info *info)
{
	unsigned int i, j;

	KUNIT_ASSERT_LE(test, info->count, 64);
	for (i = 0; i < info->count; i++) {
		KUNIT_EXPECT_LE(test, info->logical_unit[i].device_type, 0x1f);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, info->logical_unit[i].lun,
					info->logical_unit[j].lun);
	}
}

static noinline_for_stack void
expect_in_range(struct kunit *test, const struct sbp2x_unit_info *info)
{
	KUNIT_EXPECT_LE(test, info->directory_id, 0xffffff);
	KUNIT_EXPECT_TRUE(test, info->model_id <= 0xffffff ||
			  info->model_id == MISSING);
	KUNIT_EXPECT_TRUE(test, info->firmware_revision <= 0xffffff ||
			  info->firmware_revision == MISSING);
	KUNIT_EXPECT_LE(test, info->mgt_orb_timeout_ms, 127500);
	KUNIT_EXPECT_TRUE(test, info->orb_size == 0 || info->orb_size >= 32);
	KUNIT_EXPECT_LE(test, info->orb_size, 1020);
	KUNIT_EXPECT_LE(test, info->max_reconnect_hold, 65536);
}

static noinline_for_stack void
expect_sane(struct kunit *test, const struct result *result)
{
	const struct sbp2x_unit_info *info = &result->info;

	if (result->ret) {
		KUNIT_EXPECT_EQ(test, result->ret, -EINVAL);
		KUNIT_EXPECT_NOT_NULL(test, result->complaint);
		return;
	}

	KUNIT_EXPECT_GE(test, info->count, 1);
	KUNIT_EXPECT_GE(test, info->management_agent, 0xfffff0000800);
	KUNIT_EXPECT_LE(test, info->management_agent, 0xfffff3fffffc);
	KUNIT_EXPECT_EQ(test, info->management_agent & 3, 0);
	expect_luns_unique(test, info);
	expect_in_range(test, info);
}

struct whole_rom {
	const char *name;
	const u32 *rom;
	size_t quadlets;
	size_t directory;
};

static const struct whole_rom whole_roms[] = {
	{ "Oxford 911", oxford_911, ARRAY_SIZE(oxford_911), 12 },
	{ "LS-4000", nikon_ls_4000, ARRAY_SIZE(nikon_ls_4000), 11 },
	{ "LS-9000", nikon_ls_9000, ARRAY_SIZE(nikon_ls_9000), 11 },
	{ "iPod", ipod, ARRAY_SIZE(ipod), 9 },
	{ "LIO", lio, ARRAY_SIZE(lio), 23 },
};

KUNIT_ARRAY_PARAM_DESC(whole_rom, whole_roms, name);

/* firewire-core may have got a part of the ROM only: cut it off everywhere */
static void rom_cut_off(struct kunit *test)
{
	const struct whole_rom *whole = test->param_value;
	struct result result;
	size_t i;

	for (i = 0; i < whole->quadlets; i++) {
		parse_copy(test, whole->rom, i, whole->directory, &result);
		expect_sane(test, &result);
		if (i <= whole->directory)
			KUNIT_EXPECT_EQ(test, result.ret, -EINVAL);
	}
}

/* Any quadlet may be taken for a directory, the parser must only not stray */
static void rom_directory_anywhere(struct kunit *test)
{
	const struct whole_rom *whole = test->param_value;
	struct result result;
	size_t i;

	for (i = 0; i < whole->quadlets; i++) {
		parse_copy(test, whole->rom, whole->quadlets, i, &result);
		expect_sane(test, &result);
	}
}

/* One bit is wrong: in the unit directory, or in what lies behind it */
static void rom_bit_flips(struct kunit *test)
{
	const struct whole_rom *whole = test->param_value;
	struct result result;
	u32 rom[64];
	size_t i;

	KUNIT_ASSERT_LE(test, whole->quadlets, ARRAY_SIZE(rom));
	memcpy(rom, whole->rom, whole->quadlets * sizeof(*rom));
	for (i = whole->directory * 32; i < whole->quadlets * 32; i++) {
		rom[i / 32] ^= BIT(i % 32);
		parse_copy(test, rom, whole->quadlets, whole->directory,
			   &result);
		expect_sane(test, &result);
		rom[i / 32] ^= BIT(i % 32);
	}
}

/* Mostly keys that mean something, and offsets that stay near */
static u32 random_entry(struct rnd_state *rnd)
{
	static const u8 keys[] = {
		0x12, 0x13, 0x14, 0x14, 0x14, 0x14, 0x14, 0x17, 0x20, 0x38,
		0x39, 0x3a, 0x3c, 0x3d, 0x3e, 0x54, 0x54, 0x81, 0x8d, 0xd4,
	};
	u32 random = prandom_u32_state(rnd);
	u32 value = prandom_u32_state(rnd);

	switch (random & 7) {
	case 0:
		return value;
	case 1:			/* the header of a short block */
		return value & 0x001fffff;
	case 2:
		return (u32)keys[(random >> 8) % ARRAY_SIZE(keys)] << 24 |
		       (value & 0xffffff);
	default:
		return (u32)keys[(random >> 8) % ARRAY_SIZE(keys)] << 24 |
		       (value & (random & 8 ? 0x3f : 0x400f));
	}
}

/* Every second one has a directory header of which something can be made */
static void random_rom(struct rnd_state *rnd, u32 *rom, size_t quadlets,
		       size_t directory)
{
	size_t i;

	for (i = 0; i < quadlets; i++)
		rom[i] = random_entry(rnd);

	i = prandom_u32_state(rnd);
	if (directory < quadlets && i & 1)
		rom[directory] = (i & 0x1e) << 16;
}

#define FUZZ_SEED	0x5b2b2b2bULL
#define FUZZ_ROMS	2000

static void rom_fuzz(struct kunit *test)
{
	unsigned int i, bad = 0, good = 0, perfect = 0;
	size_t quadlets, directory;
	struct result result;
	struct rnd_state rnd;
	u32 *rom;

	rom = kunit_kmalloc_array(test, MAX_ROM, sizeof(*rom), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rom);
	prandom_seed_state(&rnd, FUZZ_SEED);

	for (i = 0; i < FUZZ_ROMS; i++) {
		quadlets = prandom_u32_state(&rnd) % (MAX_ROM + 1);
		directory = prandom_u32_state(&rnd) % (MAX_ROM / 4);
		random_rom(&rnd, rom, quadlets, directory);

		parse_copy(test, rom, quadlets, directory, &result);
		expect_sane(test, &result);
		bad += !!result.ret;
		good += !result.ret;
		perfect += !result.ret && !result.complaint;
	}

	/* Worth something only where it reaches every end */
	KUNIT_EXPECT_GT(test, bad, 200);
	KUNIT_EXPECT_GT(test, good, 200);
	KUNIT_EXPECT_GT(test, perfect, 20);
	kunit_info(test, "seed %llx: %u bad, %u good, %u of them without a complaint\n",
		   FUZZ_SEED, bad, good, perfect);
}

/* One quadlet is not what it was: a bit, a value or offset, a length, another */
static void mutate_quadlet(struct rnd_state *rnd, u32 *rom, size_t quadlets)
{
	static const u16 lengths[] = { 0, 1, 2, 3, 0x7fff, 0x8000, 0xffff };
	u32 random = prandom_u32_state(rnd);
	u32 value = prandom_u32_state(rnd);
	u32 *q = &rom[random % quadlets];

	switch (random >> 16 & 3) {
	case 0:
		*q ^= BIT(value & 31);
		break;
	case 1:
		value &= random >> 24 & 1 ? 0xffffff : 0x3f;
		*q = (*q & 0xff000000) | value;
		break;
	case 2:
		*q &= 0xffff;
		*q |= (u32)lengths[value % ARRAY_SIZE(lengths)] << 16;
		break;
	default:
		*q = rom[value % quadlets];
		break;
	}
}

#define MUTATIONS	8000

/* A device's own ROM, with up to four quadlets mutated */
static noinline_for_stack bool
mutant_is_bad(struct kunit *test, const struct whole_rom *whole,
	      struct rnd_state *rnd)
{
	unsigned int times = 1 + prandom_u32_state(rnd) % 4;
	struct result result;
	u32 rom[64];

	memcpy(rom, whole->rom, whole->quadlets * sizeof(*rom));
	while (times--)
		mutate_quadlet(rnd, rom, whole->quadlets);
	parse_copy(test, rom, whole->quadlets, whole->directory, &result);
	expect_sane(test, &result);
	return result.ret;
}

/* What fails is told, what does not is sane */
static void rom_mutated(struct kunit *test)
{
	const struct whole_rom *whole = test->param_value;
	unsigned int i, bad = 0;
	struct rnd_state rnd;

	KUNIT_ASSERT_LE(test, whole->quadlets, 64);
	prandom_seed_state(&rnd, FUZZ_SEED);
	for (i = 0; i < MUTATIONS; i++)
		bad += mutant_is_bad(test, whole, &rnd);

	KUNIT_EXPECT_GT(test, bad, MUTATIONS / 50);
	KUNIT_EXPECT_LT(test, bad, MUTATIONS / 2);
	kunit_info(test, "%s: %u of %u are bad\n", whole->name, bad, MUTATIONS);
}

static struct kunit_case rom_cases[] = {
	KUNIT_CASE(rom_oxford_911),
	KUNIT_CASE(rom_nikon_ls_4000),
	KUNIT_CASE(rom_nikon_ls_9000),
	KUNIT_CASE(rom_ipod),
	KUNIT_CASE(rom_lio),
	KUNIT_CASE(rom_prolific_pl_3507),
	KUNIT_CASE(rom_lacie_oxuf934),
	KUNIT_CASE(rom_mac_target_disk_mode),
	KUNIT_CASE(rom_minimal),
	KUNIT_CASE(rom_lowest),
	KUNIT_CASE(rom_highest),
	KUNIT_CASE(rom_several_luns),
	KUNIT_CASE(rom_logical_unit_directory),
	KUNIT_CASE(rom_logical_unit_directory_own),
	KUNIT_CASE(rom_unit_unique_id),
	KUNIT_CASE(rom_unit_unique_id_too_long),
	KUNIT_CASE(rom_directory_id),
	KUNIT_CASE(rom_directory_id_implicit_far),
	KUNIT_CASE_PARAM(rom_characteristics, characteristics_gen_params),
	KUNIT_CASE(rom_other_keys),
	KUNIT_CASE(rom_repeated_entries),
	KUNIT_CASE(rom_end_of_directory),
	KUNIT_CASE(rom_most_luns),
	KUNIT_CASE(rom_too_many_luns),
	KUNIT_CASE_PARAM(rom_broken, broken_gen_params),
	KUNIT_CASE(rom_no_directory),
	KUNIT_CASE_PARAM(rom_cut_off, whole_rom_gen_params),
	KUNIT_CASE_PARAM(rom_directory_anywhere, whole_rom_gen_params),
	KUNIT_CASE_PARAM(rom_bit_flips, whole_rom_gen_params),
	KUNIT_CASE_SLOW(rom_fuzz),
	KUNIT_CASE_PARAM(rom_mutated, whole_rom_gen_params),
	{}
};

static struct kunit_suite rom_suite = {
	.name = "sbp2x-rom",
	.test_cases = rom_cases,
};

kunit_test_suite(rom_suite);
