// SPDX-License-Identifier: GPL-2.0-only
/* What a write-blocked device gets to see. */
#include "../drivers/firewire/sbp2x/writeblock.c"

#include <kunit/test.h>

#define DISK	0x00
#define TAPE	0x01
#define SCANNER	0x06
#define CD	0x05
#define UNKNOWN	0x1f

static enum sbp2x_writeblock judge(u8 opcode, u8 action, u8 type)
{
	const u8 cdb[16] = { opcode, action };

	return sbp2x_writeblock_judge(cdb, sizeof(cdb), type);
}

struct type_param {
	const char *name;
	u8 type;
	/* All that may pass, in ascending order; 0x00 ends it */
	u8 pass[48];
};

/* SPC-4 annex D, SBC-3, MMC-6, SSC-3: operation codes by number */
static const struct type_param type_params[] = {
	{ "disk", DISK, {
		0x03, 0x08, 0x12, 0x16, 0x17, 0x1a, 0x1b, 0x1c, 0x1e, 0x23,
		0x25, 0x28, 0x2f, 0x34, 0x37, 0x3c, 0x4d, 0x56, 0x57, 0x5a,
		0x5e, 0x88, 0x8f, 0xa0, 0xa2, 0xa8,
	} },
	{ "CD", CD, {
		0x03, 0x08, 0x12, 0x16, 0x17, 0x1a, 0x1b, 0x1c, 0x1e, 0x23,
		0x25, 0x28, 0x2f, 0x37, 0x3c, 0x42, 0x43, 0x44, 0x46, 0x4a,
		0x4d, 0x51, 0x52, 0x56, 0x57, 0x5a, 0x5c, 0x5e, 0x88, 0x8f,
		0xa0, 0xa2, 0xa4, 0xa8, 0xac, 0xad, 0xb9, 0xbb, 0xbd, 0xbe,
	} },
	{ "tape", TAPE, {
		0x01, 0x03, 0x05, 0x08, 0x11, 0x12, 0x16, 0x17, 0x1a, 0x1b,
		0x1c, 0x1e, 0x23, 0x25, 0x28, 0x2b, 0x2f, 0x34, 0x37, 0x3c,
		0x4d, 0x56, 0x57, 0x5a, 0x5e, 0x88, 0x8f, 0xa0, 0xa2, 0xa8,
	} },
};

KUNIT_ARRAY_PARAM_DESC(type, type_params, name);

/* All 256 operation codes, with a service action that none of them has */
static void every_opcode(struct kunit *test)
{
	const struct type_param *param = test->param_value;
	const u8 *next = param->pass;
	unsigned int opcode;

	KUNIT_EXPECT_EQ(test, judge(0x00, 0x1f, param->type),
			SBP2X_WRITEBLOCK_PASS);
	for (opcode = 0x01; opcode <= 0xff; opcode++) {
		enum sbp2x_writeblock expected = SBP2X_WRITEBLOCK_REFUSE;

		if (*next == opcode) {
			expected = SBP2X_WRITEBLOCK_PASS;
			next++;
		} else if (opcode == 0x35 || opcode == 0x91) {
			expected = SBP2X_WRITEBLOCK_SKIP;
		}
		KUNIT_EXPECT_EQ_MSG(test, judge(opcode, 0x1f, param->type),
				    expected, "operation code %02x", opcode);
	}
	KUNIT_EXPECT_EQ(test, *next, 0);
}

/* By name, lest a number above is wrong in the same way as one in the code */
static void writes_are_refused(struct kunit *test)
{
	static const u8 opcodes[] = {
		WRITE_6, WRITE_10, WRITE_12, WRITE_16, WRITE_VERIFY,
		WRITE_VERIFY_12, WRITE_SAME, WRITE_SAME_16, WRITE_LONG,
		WRITE_BUFFER, FORMAT_UNIT, UNMAP, ERASE,
		MODE_SELECT, MODE_SELECT_10, LOG_SELECT, REASSIGN_BLOCKS,
		SEND_DIAGNOSTIC, COPY, COMPARE, COPY_VERIFY, UPDATE_BLOCK,
		XDWRITEREAD_10, PERSISTENT_RESERVE_OUT, ATA_12, ATA_16,
		VARIABLE_LENGTH_CMD, SECURITY_PROTOCOL_OUT, WRITE_FILEMARKS,
		ZBC_OUT, MAINTENANCE_OUT, SERVICE_ACTION_OUT_16, MEDIUM_SCAN,
		0xc1, 0xd8, 0xe0, 0xff,		/* of vendors */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++)
		KUNIT_EXPECT_EQ_MSG(test, judge(opcodes[i], 0, DISK),
				    SBP2X_WRITEBLOCK_REFUSE,
				    "operation code %02x", opcodes[i]);
}

static void service_actions(struct kunit *test)
{
	static const struct { u8 opcode; u32 pass; } expected[] = {
		/* READ CAPACITY (16), GET LBA STATUS */
		{ 0x9e, BIT(0x10) | BIT(0x12) },
		/* Reports: identifying information, port groups, codes, time */
		{ 0xa3, BIT(0x05) | BIT(0x0a) | BIT(0x0c) | BIT(0x0d) |
			BIT(0x0f) },
		{ 0x9f, 0 },
	};
	unsigned int i, action;

	for (i = 0; i < ARRAY_SIZE(expected); i++)
		for (action = 0; action < 32; action++)
			KUNIT_EXPECT_EQ_MSG(test, expected[i].pass & BIT(action) ?
					    SBP2X_WRITEBLOCK_PASS :
					    SBP2X_WRITEBLOCK_REFUSE,
					    judge(expected[i].opcode,
						  action | 0xe0, DISK),
					    "%02x %02x", expected[i].opcode,
					    action);
}

/* Codes that optical drives and tapes have for themselves */
static void types_differ(struct kunit *test)
{
	/* REPORT KEY there, MAINTENANCE OUT here */
	KUNIT_EXPECT_EQ(test, judge(0xa4, 0, CD), SBP2X_WRITEBLOCK_PASS);
	KUNIT_EXPECT_EQ(test, judge(0xa4, 0, DISK), SBP2X_WRITEBLOCK_REFUSE);
	/* REWIND there, REZERO UNIT here */
	KUNIT_EXPECT_EQ(test, judge(0x01, 0, TAPE), SBP2X_WRITEBLOCK_PASS);
	KUNIT_EXPECT_EQ(test, judge(0x01, 0, DISK), SBP2X_WRITEBLOCK_REFUSE);
	/* PRE-FETCH of a disk, READ POSITION of a tape */
	KUNIT_EXPECT_EQ(test, judge(0x34, 0, DISK), SBP2X_WRITEBLOCK_PASS);
	KUNIT_EXPECT_EQ(test, judge(0x34, 0, TAPE), SBP2X_WRITEBLOCK_PASS);
	KUNIT_EXPECT_EQ(test, judge(0x34, 0, CD), SBP2X_WRITEBLOCK_REFUSE);
	/* Whoever is asked for its type is not asked for more */
	KUNIT_EXPECT_EQ(test, judge(0x12, 0, UNKNOWN), SBP2X_WRITEBLOCK_PASS);
	KUNIT_EXPECT_EQ(test, judge(0x24, 0, SCANNER),
			SBP2X_WRITEBLOCK_REFUSE);
	KUNIT_EXPECT_EQ(test, judge(0x28, 0, 0x20), SBP2X_WRITEBLOCK_REFUSE);
	KUNIT_EXPECT_EQ(test, judge(0x28, 0, 0xff), SBP2X_WRITEBLOCK_REFUSE);
}

static void too_short(struct kunit *test)
{
	const u8 read_6[6] = { 0x08 };
	size_t length;

	for (length = 0; length < 6; length++)
		KUNIT_EXPECT_EQ(test,
				sbp2x_writeblock_judge(read_6, length, DISK),
				SBP2X_WRITEBLOCK_REFUSE);
	KUNIT_EXPECT_EQ(test, sbp2x_writeblock_judge(read_6, 6, DISK),
			SBP2X_WRITEBLOCK_PASS);
}

/* WP of the device-specific parameter, SPC-4 7.5.5 */
static void where_the_device_says_so(struct kunit *test)
{
	const u8 mode_sense_6[6] = { 0x1a }, mode_sense_10[10] = { 0x5a };
	const u8 inquiry[6] = { 0x12 };

	KUNIT_EXPECT_EQ(test, sbp2x_writeblock_wp_byte(mode_sense_6), 2);
	KUNIT_EXPECT_EQ(test, sbp2x_writeblock_wp_byte(mode_sense_10), 3);
	KUNIT_EXPECT_EQ(test, sbp2x_writeblock_wp_byte(inquiry), -1);
	KUNIT_EXPECT_EQ(test, SBP2X_WRITEBLOCK_WP, 0x80);
}

static struct kunit_case writeblock_test_cases[] = {
	KUNIT_CASE_PARAM(every_opcode, type_gen_params),
	KUNIT_CASE(writes_are_refused),
	KUNIT_CASE(service_actions),
	KUNIT_CASE(types_differ),
	KUNIT_CASE(too_short),
	KUNIT_CASE(where_the_device_says_so),
	{}
};

static struct kunit_suite writeblock_test_suite = {
	.name = "sbp2x-writeblock",
	.test_cases = writeblock_test_cases,
};

kunit_test_suite(writeblock_test_suite);
