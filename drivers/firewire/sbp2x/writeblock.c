// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write-block.
 *
 * Operation codes mean different things to different types of devices; the
 * table holds those that are harmless whatever the type (SPC, SBC, MMC, SSC),
 * and of the others those that are for one type only. Setting the speed of an
 * optical drive, spinning up, locking the tray and reserving the unit change
 * nothing that is stored.
 */
#include "writeblock.h"

#include <linux/bits.h>
#include <linux/kernel.h>
#include <scsi/scsi_proto.h>

#define ALL_TYPES	~0U

/* MMC, not in scsi_proto.h */
#define READ_SUB_CHANNEL		0x42
#define READ_HEADER			0x44
#define GET_CONFIGURATION		0x46
#define GET_EVENT_STATUS		0x4a
#define READ_DISC_INFORMATION		0x51
#define READ_TRACK_INFORMATION		0x52
#define READ_BUFFER_CAPACITY		0x5c
#define REPORT_KEY			0xa4
#define GET_PERFORMANCE			0xac
#define READ_DISC_STRUCTURE		0xad
#define READ_CD_MSF			0xb9
#define SET_CD_SPEED			0xbb
#define MECHANISM_STATUS		0xbd
#define READ_CD				0xbe
#define READ_FORMAT_CAPACITIES		0x23
/* SSC */
#define TAPE_REWIND			0x01
#define TAPE_READ_BLOCK_LIMITS		0x05
#define TAPE_SPACE			0x11
#define TAPE_READ_POSITION		0x34
#define TAPE_LOCATE			0x2b

static const struct {
	u8 opcode;
	u32 types;
} harmless[] = {
	{ TEST_UNIT_READY, ALL_TYPES },
	{ TAPE_REWIND, BIT(TYPE_TAPE) },
	{ REQUEST_SENSE, ALL_TYPES },
	{ TAPE_READ_BLOCK_LIMITS, BIT(TYPE_TAPE) },
	{ READ_6, ALL_TYPES },
	{ TAPE_SPACE, BIT(TYPE_TAPE) },
	{ INQUIRY, ALL_TYPES },
	{ RESERVE, ALL_TYPES },
	{ RELEASE, ALL_TYPES },
	{ MODE_SENSE, ALL_TYPES },
	{ START_STOP, ALL_TYPES },
	{ RECEIVE_DIAGNOSTIC, ALL_TYPES },
	{ ALLOW_MEDIUM_REMOVAL, ALL_TYPES },
	{ READ_FORMAT_CAPACITIES, ALL_TYPES },
	{ READ_CAPACITY, ALL_TYPES },
	{ READ_10, ALL_TYPES },
	{ TAPE_LOCATE, BIT(TYPE_TAPE) },
	{ VERIFY, ALL_TYPES },
	{ PRE_FETCH, BIT(TYPE_DISK) | BIT(TYPE_RBC) },
	{ TAPE_READ_POSITION, BIT(TYPE_TAPE) },
	{ READ_DEFECT_DATA, ALL_TYPES },
	{ READ_BUFFER, ALL_TYPES },
	{ READ_SUB_CHANNEL, BIT(TYPE_ROM) },
	{ READ_TOC, BIT(TYPE_ROM) },
	{ READ_HEADER, BIT(TYPE_ROM) },
	{ GET_CONFIGURATION, BIT(TYPE_ROM) },
	{ GET_EVENT_STATUS, BIT(TYPE_ROM) },
	{ LOG_SENSE, ALL_TYPES },
	{ READ_DISC_INFORMATION, BIT(TYPE_ROM) },
	{ READ_TRACK_INFORMATION, BIT(TYPE_ROM) },
	{ RESERVE_10, ALL_TYPES },
	{ RELEASE_10, ALL_TYPES },
	{ MODE_SENSE_10, ALL_TYPES },
	{ READ_BUFFER_CAPACITY, BIT(TYPE_ROM) },
	{ PERSISTENT_RESERVE_IN, ALL_TYPES },
	{ READ_16, ALL_TYPES },
	{ VERIFY_16, ALL_TYPES },
	{ REPORT_LUNS, ALL_TYPES },
	{ SECURITY_PROTOCOL_IN, ALL_TYPES },
	{ REPORT_KEY, BIT(TYPE_ROM) },
	{ READ_12, ALL_TYPES },
	{ GET_PERFORMANCE, BIT(TYPE_ROM) },
	{ READ_DISC_STRUCTURE, BIT(TYPE_ROM) },
	{ READ_CD_MSF, BIT(TYPE_ROM) },
	{ SET_CD_SPEED, BIT(TYPE_ROM) },
	{ MECHANISM_STATUS, BIT(TYPE_ROM) },
	{ READ_CD, BIT(TYPE_ROM) },
};

/* Operation codes whose service action says what they do */
static const struct {
	u8 opcode;
	u8 service_action;
} harmless_action[] = {
	{ SERVICE_ACTION_IN_16, SAI_READ_CAPACITY_16 },
	{ SERVICE_ACTION_IN_16, SAI_GET_LBA_STATUS },
	{ MAINTENANCE_IN, MI_REPORT_IDENTIFYING_INFORMATION },
	{ MAINTENANCE_IN, MI_REPORT_TARGET_PGS },
	{ MAINTENANCE_IN, MI_REPORT_SUPPORTED_OPERATION_CODES },
	{ MAINTENANCE_IN, MI_REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS },
	{ MAINTENANCE_IN, MI_REPORT_TIMESTAMP },
};

static bool is_harmless(u8 opcode, u8 device_type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(harmless); i++)
		if (harmless[i].opcode == opcode && device_type < 32 &&
		    harmless[i].types & BIT(device_type))
			return true;
	return false;
}

static bool is_harmless_action(const u8 *cdb)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(harmless_action); i++)
		if (harmless_action[i].opcode == cdb[0] &&
		    harmless_action[i].service_action == (cdb[1] & 0x1f))
			return true;
	return false;
}

enum sbp2x_writeblock sbp2x_writeblock_judge(const u8 *cdb, size_t length,
					     u8 device_type)
{
	/* The shortest command has six bytes */
	if (length < 6)
		return SBP2X_WRITEBLOCK_REFUSE;
	if (is_harmless(cdb[0], device_type) || is_harmless_action(cdb))
		return SBP2X_WRITEBLOCK_PASS;
	if (cdb[0] == SYNCHRONIZE_CACHE || cdb[0] == SYNCHRONIZE_CACHE_16)
		return SBP2X_WRITEBLOCK_SKIP;

	return SBP2X_WRITEBLOCK_REFUSE;
}

int sbp2x_writeblock_wp_byte(const u8 *cdb)
{
	switch (cdb[0]) {
	case MODE_SENSE:
		return 2;
	case MODE_SENSE_10:
		return 3;
	default:
		return -1;
	}
}
