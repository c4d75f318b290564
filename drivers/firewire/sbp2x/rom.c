// SPDX-License-Identifier: GPL-2.0-only
/*
 * A unit directory, understood. Every index is checked before it is used:
 * an offset may point anywhere, a length may say anything.
 */
#include "rom.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

/*
 * The core's registers start here; offsets in the ROM count quadlets. A unit
 * has its registers behind those of the core and the ROM.
 */
#define CSR_BASE		0xfffff0000000ULL
#define CSR_CONFIG_ROM_OFFSET	0x400
#define CSR_UNITS_OFFSET	0x800

#define KEY(q)			((q) >> 24)
#define VALUE(q)		((q) & 0xffffff)
#define LENGTH(q)		((q) >> 16)

/* IEEE 1212 */
#define KEY_MODEL		0x17
#define KEY_DIRECTORY_ID	0x20
/* SBP-2 clause 7, SBP-3 */
#define KEY_LOGICAL_UNIT	0x14
#define KEY_COMMAND_SET_SPEC_ID	0x38
#define KEY_COMMAND_SET		0x39
#define KEY_CHARACTERISTICS	0x3a
#define KEY_FIRMWARE_REVISION	0x3c
#define KEY_RECONNECT_TIMEOUT	0x3d
#define KEY_FAST_START		0x3e
#define KEY_MANAGEMENT_AGENT	0x54
#define KEY_UNIT_UNIQUE_ID	0x8d
#define KEY_LOGICAL_UNIT_DIR	0xd4

#define BUS_INFO_QUADLETS	5
#define GUID_HIGH		3
#define GUID_LOW		4

#define MIN_ORB_SIZE		32
#define MGT_ORB_TIMEOUT_UNIT_MS	500

struct parser {
	const u32 *rom;
	size_t quadlets;
	struct sbp2x_unit_info *info;
	const char *complaint;
	const char *remark;
	bool has_agent;
};

/* Why the unit, or a part of it, is lost: the first is the most telling one */
static void complain(struct parser *p, const char *what)
{
	if (!p->complaint)
		p->complaint = what;
}

/* What the unit can do without; not told where there is a complaint */
static void remark(struct parser *p, const char *what)
{
	if (!p->remark)
		p->remark = what;
}

/*
 * Entries of the directory or leaf at @at: how many there really are. One that
 * claims to reach beyond the ROM ends with it.
 */
static size_t block_length(struct parser *p, size_t at)
{
	size_t length = LENGTH(p->rom[at]);
	size_t room = p->quadlets - at - 1;

	if (length <= room)
		return length;

	complain(p, "a directory or leaf is longer than the ROM");
	return room;
}

/* Where an offset entry at @at points to; false if outside the ROM */
static bool follow(struct parser *p, size_t at, size_t *to)
{
	*to = at + VALUE(p->rom[at]);
	if (*to > at && *to < p->quadlets)
		return true;

	complain(p, "an entry points outside the ROM or to itself");
	return false;
}

static bool has_lun(const struct sbp2x_unit_info *info, u16 lun)
{
	unsigned int i;

	for (i = 0; i < info->count; i++)
		if (info->logical_unit[i].lun == lun)
			return true;
	return false;
}

static void add_logical_unit(struct parser *p, u32 value)
{
	struct sbp2x_unit_info *info = p->info;
	struct sbp2x_lun_info *unit;

	if (has_lun(info, value & 0xffff)) {
		remark(p, "a logical unit number is listed twice");
		return;
	}
	if (info->count == SBP2X_MAX_LOGICAL_UNITS) {
		remark(p, "more than 64 logical units, the others are ignored");
		return;
	}
	unit = &info->logical_unit[info->count++];
	unit->lun = value & 0xffff;
	unit->device_type = value >> 16 & 0x1f;
	unit->ordered = value >> 22 & 1;
}

static void parse_characteristics(struct parser *p, u32 value)
{
	p->info->mgt_orb_timeout_ms = (value >> 8 & 0xff) *
				      MGT_ORB_TIMEOUT_UNIT_MS;
	p->info->orb_size = (value & 0xff) * 4;
	if (p->info->orb_size && p->info->orb_size < MIN_ORB_SIZE) {
		remark(p, "ORB_size below 32 bytes, 32 are assumed");
		p->info->orb_size = MIN_ORB_SIZE;
	}
}

static void parse_unique_id(struct parser *p, size_t at)
{
	size_t leaf;

	if (!follow(p, at, &leaf))
		return;
	/* firewire-sbp2 takes no longer one either: disks keep their names */
	if (block_length(p, leaf) != 2 || LENGTH(p->rom[leaf]) != 2) {
		remark(p, "the Unit_Unique_ID leaf is not of 8 bytes");
		return;
	}
	p->info->unit_unique_id = (u64)p->rom[leaf + 1] << 32 |
				  p->rom[leaf + 2];
}

/* Holds Logical_Unit_Number entries; whatever else it holds is of no use */
static void parse_logical_unit_dir(struct parser *p, size_t at)
{
	size_t dir, length, i;

	if (!follow(p, at, &dir))
		return;

	length = block_length(p, dir);
	for (i = dir + 1; i <= dir + length; i++)
		if (KEY(p->rom[i]) == KEY_LOGICAL_UNIT)
			add_logical_unit(p, VALUE(p->rom[i]));
}

static void parse_entry(struct parser *p, size_t at)
{
	struct sbp2x_unit_info *info = p->info;
	u32 value = VALUE(p->rom[at]);

	switch (KEY(p->rom[at])) {
	case KEY_MANAGEMENT_AGENT:
		info->management_agent = CSR_BASE + 4ULL * value;
		p->has_agent = true;
		break;
	case KEY_LOGICAL_UNIT:
		add_logical_unit(p, value);
		break;
	case KEY_LOGICAL_UNIT_DIR:
		parse_logical_unit_dir(p, at);
		break;
	case KEY_CHARACTERISTICS:
		parse_characteristics(p, value);
		break;
	case KEY_UNIT_UNIQUE_ID:
		parse_unique_id(p, at);
		break;
	case KEY_MODEL:
		info->model_id = value;
		break;
	case KEY_FIRMWARE_REVISION:
		info->firmware_revision = value;
		break;
	case KEY_DIRECTORY_ID:
		info->directory_id = value;
		break;
	case KEY_RECONNECT_TIMEOUT:
		info->max_reconnect_hold = (value & 0xffff) + 1;
		break;
	case KEY_COMMAND_SET_SPEC_ID:
		info->command_set_spec_id = value;
		break;
	case KEY_COMMAND_SET:
		info->command_set = value;
		break;
	case KEY_FAST_START:
		info->fast_start = true;
		break;
	default:
		break;
	}
}

static void set_defaults(struct parser *p, size_t directory)
{
	struct sbp2x_unit_info *info = p->info;

	memset(info, 0, sizeof(*info));
	info->unit_unique_id = (u64)p->rom[GUID_HIGH] << 32 | p->rom[GUID_LOW];
	info->firmware_revision = SBP2X_ROM_VALUE_MISSING;
	info->model_id = SBP2X_ROM_VALUE_MISSING;
	info->directory_id = (CSR_CONFIG_ROM_OFFSET + directory * 4 +
			      CSR_BASE) & 0xffffff;
}

static int judge(struct parser *p)
{
	if (!p->has_agent)
		complain(p, "no Management_Agent entry");
	else if (p->info->management_agent < CSR_BASE + CSR_UNITS_OFFSET)
		complain(p, "the management agent lies in the core's registers");
	else if (!p->info->count)
		complain(p, "no logical unit");
	else
		return 0;

	return -EINVAL;
}

int sbp2x_rom_parse(const u32 *rom, size_t quadlets, size_t directory,
		    struct sbp2x_unit_info *info, const char **complaint)
{
	struct parser p = {
		.rom = rom,
		.quadlets = quadlets,
		.info = info,
	};
	size_t length, i;
	int ret;

	*complaint = "the unit directory lies outside the ROM";
	if (quadlets < BUS_INFO_QUADLETS || directory >= quadlets)
		return -EINVAL;

	set_defaults(&p, directory);
	length = block_length(&p, directory);
	for (i = directory + 1; i <= directory + length; i++)
		parse_entry(&p, i);

	ret = judge(&p);
	*complaint = p.complaint ?: p.remark;
	return ret;
}
