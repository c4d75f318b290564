// SPDX-License-Identifier: GPL-2.0-only
/*
 * From status blocks to SAM status and sense data. Status blocks are laid out
 * by hand from SBP-2 annex B, sense data from SPC-4 4.5.3.
 */
#include "../drivers/firewire/sbp2x/sense.c"

#include <kunit/test.h>
#include <linux/prandom.h>

struct sense_case {
	const char *name;
	size_t length;		/* that the target wrote */
	u8 status[32];
	enum sbp2x_verdict verdict;
	u8 sam_status;
	bool has_sense;
	u8 sense[18];
};

static void expect_sense(struct kunit *test, const struct sense_case *want,
			 const struct sbp2x_sense *got)
{
	KUNIT_EXPECT_EQ(test, got->verdict, want->verdict);
	KUNIT_EXPECT_EQ(test, got->sam_status, want->sam_status);
	KUNIT_EXPECT_EQ(test, got->length, want->has_sense ? 18 : 0);
	KUNIT_EXPECT_MEMEQ(test, got->data, want->sense, 18);
}

/*
 * In memory of exactly the length that was written, so that KASAN sees whoever
 * looks behind it; the result starts out as rubbish.
 */
static void decode(struct kunit *test)
{
	const struct sense_case *want = test->param_value;
	struct sbp2x_sense got;
	void *status;

	status = kunit_kmalloc(test, want->length, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, status);
	memcpy(status, want->status, want->length);
	memset(&got, 0xa5, sizeof(got));

	sbp2x_sense_decode(status, want->length, &got);
	expect_sense(test, want, &got);
}

/* One bit or field each, then all of them */
static const struct sense_case check_conditions[] = {
	{
		.name = "sense key, ASC and ASCQ",
		.length = 24,
		.status = { 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x20, 0x40,
			    0x02, 0x05, 0x24, 0x01 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x05, [7] = 0x0a, [12] = 0x24, 0x01 },
	}, {
		.name = "valid and information",
		.length = 24,
		.status = { 0x05, [8] = 0x02, 0x83, 0x11, 0x00,
			    0x12, 0x34, 0x56, 0x78 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0xf0, [2] = 0x03, 0x12, 0x34, 0x56, 0x78, 0x0a,
			   [12] = 0x11 },
	}, {
		.name = "information without valid",
		.length = 24,
		.status = { 0x05, [8] = 0x02, 0x03, [12] = 0xff, 0xff, 0xff,
			    0xff },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x03, 0xff, 0xff, 0xff, 0xff, 0x0a },
	}, {
		.name = "filemark",
		.length = 24,
		.status = { 0x05, [8] = 0x02, 0x40, 0x00, 0x01 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x80, [7] = 0x0a, [13] = 0x01 },
	}, {
		.name = "end of medium",
		.length = 24,
		.status = { 0x05, [8] = 0x02, 0x2d, 0x00, 0x02 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x4d, [7] = 0x0a, [13] = 0x02 },
	}, {
		.name = "incorrect length, residue -1",
		.length = 24,
		.status = { 0x05, [8] = 0x02, 0x90, [12] = 0xff, 0xff, 0xff,
			    0xff },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0xf0, [2] = 0x20, 0xff, 0xff, 0xff, 0xff, 0x0a },
	}, {
		.name = "highest sense key",
		.length = 24,
		.status = { 0x05, [8] = 0x02, 0x0f },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x0f, [7] = 0x0a },
	}, {
		.name = "command-specific information",
		.length = 24,
		.status = { 0x05, [8] = 0x02, 0x0e, [16] = 0xde, 0xad, 0xbe,
			    0xef },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x0e, [7] = 0x0a, 0xde, 0xad, 0xbe,
			   0xef },
	}, {
		.name = "field replaceable unit",
		.length = 24,
		.status = { 0x05, [8] = 0x02, 0x04, 0x44, 0x00, [20] = 0xfe },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x04, [7] = 0x0a, [12] = 0x44,
			   [14] = 0xfe },
	}, {
		/* ILLEGAL REQUEST; SKSV, C/D, bit 3 of byte 0x1234 */
		.name = "all sense-key-specific bytes",
		.length = 24,
		.status = { 0x05, [8] = 0x02, 0x05, 0x24, 0x00,
			    [21] = 0xcb, 0x12, 0x34 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x05, [7] = 0x0a, [12] = 0x24,
			   [15] = 0xcb, 0x12, 0x34 },
	}, {
		.name = "every bit",
		.length = 32,
		.status = { 0x07, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			    0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0xf0, 0x00, 0xef, 0xff, 0xff, 0xff, 0xff, 0x0a,
			   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			   0xff, 0xff },
	}, {
		.name = "no bit",
		.length = 24,
		.status = { 0x05, [8] = 0x02 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [7] = 0x0a },
	}, {
		.name = "every byte in its place",
		.length = 24,
		.status = { 0x45, 0x00, 0x00, 0x01, 0x00, 0x00, 0x20, 0x40,
			    0x02, 0x86, 0x29, 0x03, 0x10, 0x11, 0x12, 0x13,
			    0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x32, 0x33 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0xf0, 0x00, 0x06, 0x10, 0x11, 0x12, 0x13, 0x0a,
			   0x20, 0x21, 0x22, 0x23, 0x29, 0x03, 0x30, 0x31,
			   0x32, 0x33 },
	},
};

KUNIT_ARRAY_PARAM_DESC(check_condition, check_conditions, name);

static void sense_check_condition(struct kunit *test)
{
	decode(test);
}

/* sfmt: 0 current, 1 deferred, 2 reserved, 3 vendor dependent */
static const struct sense_case formats[] = {
	{
		.name = "sfmt 0, current error",
		.length = 24,
		.status = { 0x05, [8] = 0x02, 0x03, 0x11 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x03, [7] = 0x0a, [12] = 0x11 },
	}, {
		.name = "sfmt 1, deferred error",
		.length = 24,
		.status = { 0x05, [8] = 0x42, 0x03, 0x11 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x71, [2] = 0x03, [7] = 0x0a, [12] = 0x11 },
	}, {
		.name = "sfmt 1 and valid",
		.length = 24,
		.status = { 0x05, [8] = 0x42, 0x83, 0x11, [15] = 0x01 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0xf1, [2] = 0x03, [6] = 0x01, 0x0a, [12] = 0x11 },
	}, {
		.name = "sfmt 2",
		.length = 24,
		.status = { 0x05, [8] = 0x82, 0x83, 0x11 },
		.verdict = SBP2X_VERDICT_ERROR,
	}, {
		.name = "sfmt 3",
		.length = 24,
		.status = { 0x05, [8] = 0xc2, 0x83, 0x11 },
		.verdict = SBP2X_VERDICT_ERROR,
	}, {
		.name = "sfmt 2 with status GOOD",
		.length = 12,
		.status = { 0x02, [8] = 0x80 },
		.verdict = SBP2X_VERDICT_ERROR,
	}, {
		.name = "sfmt 3 with status GOOD",
		.length = 12,
		.status = { 0x02, [8] = 0xc0 },
		.verdict = SBP2X_VERDICT_ERROR,
	},
};

KUNIT_ARRAY_PARAM_DESC(format, formats, name);

static void sense_format(struct kunit *test)
{
	decode(test);
}

/* CHECK CONDITION with less than all, by the block's word or by the packet's */
static const struct sense_case short_blocks[] = {
	{
		.name = "12 bytes, sense key and codes",
		.length = 12,
		.status = { 0x02, [8] = 0x02, 0x02, 0x3a, 0x01 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x02, [7] = 0x0a, [12] = 0x3a, 0x01 },
	}, {
		/* What was not sent cannot be valid */
		.name = "12 bytes, valid without information",
		.length = 12,
		.status = { 0x02, [8] = 0x02, 0xf3, 0x11, 0x00 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0xe3, [7] = 0x0a, [12] = 0x11 },
	}, {
		.name = "15 bytes, a part of information",
		.length = 15,
		.status = { 0x05, [8] = 0x02, 0x83, 0x11, 0x00, 0x01, 0x02,
			    0x03 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x03, 0x01, 0x02, 0x03, [7] = 0x0a,
			   [12] = 0x11 },
	}, {
		.name = "16 bytes, up to information",
		.length = 16,
		.status = { 0x03, [8] = 0x02, 0x83, 0x11, 0x00, 0x01, 0x02,
			    0x03, 0x04 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0xf0, [2] = 0x03, 0x01, 0x02, 0x03, 0x04, 0x0a,
			   [12] = 0x11 },
	}, {
		.name = "20 bytes, up to command-specific",
		.length = 20,
		.status = { 0x04, [8] = 0x02, 0x0e, 0x1d, 0x00,
			    [16] = 0x01, 0x02, 0x03, 0x04 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x0e, [7] = 0x0a, 0x01, 0x02, 0x03,
			   0x04, 0x1d },
	}, {
		.name = "8 bytes, 24 claimed",
		.length = 8,
		.status = { 0x05 },
		.sam_status = 0x00,
	}, {
		.name = "9 bytes, no sense key",
		.length = 9,
		.status = { 0x05, [8] = 0x02 },
		.sam_status = 0x02,
	}, {
		.name = "11 bytes, no ASCQ",
		.length = 11,
		.status = { 0x05, [8] = 0x02, 0x05, 0x24 },
		.sam_status = 0x02,
	}, {
		.name = "12 bytes, 32 claimed",
		.length = 12,
		.status = { 0x07, [8] = 0x02, 0x05, 0x24, 0x00 },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x05, [7] = 0x0a, [12] = 0x24 },
	}, {
		.name = "32 bytes, 12 claimed",
		.length = 32,
		.status = { 0x02, [8] = 0x02, 0x85, 0x24, 0x00,
			    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			    0xff, 0xff, 0xff, 0xff },
		.sam_status = 0x02,
		.has_sense = true,
		.sense = { 0x70, [2] = 0x05, [7] = 0x0a, [12] = 0x24 },
	}, {
		.name = "32 bytes, 8 claimed",
		.length = 32,
		.status = { 0x01, [8] = 0x02, 0x05, 0x24, 0x00 },
		.sam_status = 0x00,
	}, {
		.name = "32 bytes, 4 claimed",
		.length = 32,
		.status = { 0x00, [8] = 0x02, 0x05, 0x24, 0x00 },
		.sam_status = 0x00,
	},
};

KUNIT_ARRAY_PARAM_DESC(short_block, short_blocks, name);

static void sense_short_block(struct kunit *test)
{
	decode(test);
}

/* SAM status other than CHECK CONDITION, with sense data that is not looked at */
static const struct sense_case statuses[] = {
	{
		.name = "GOOD, 8 bytes",
		.length = 8,
		.status = { 0x41, 0x00, 0x00, 0x01, 0x00, 0x00, 0x20, 0x40 },
		.sam_status = 0x00,
	}, {
		.name = "GOOD, 24 bytes",
		.length = 24,
		.status = { 0x05, [8] = 0x00, 0x83, 0x11, [15] = 0xff },
		.sam_status = 0x00,
	}, {
		.name = "CONDITION MET",
		.length = 12,
		.status = { 0x02, [8] = 0x04 },
		.sam_status = 0x04,
	}, {
		.name = "BUSY",
		.length = 12,
		.status = { 0x02, [8] = 0x08 },
		.sam_status = 0x08,
	}, {
		.name = "BUSY, 24 bytes",
		.length = 24,
		.status = { 0x05, [8] = 0x08, 0x02, 0x04, 0x01 },
		.sam_status = 0x08,
	}, {
		.name = "BUSY, 9 bytes",
		.length = 9,
		.status = { 0x02, [8] = 0x08 },
		.sam_status = 0x08,
	}, {
		.name = "RESERVATION CONFLICT",
		.length = 12,
		.status = { 0x02, [8] = 0x18 },
		.sam_status = 0x18,
	}, {
		.name = "TASK SET FULL",
		.length = 12,
		.status = { 0x02, [8] = 0x28 },
		.sam_status = 0x28,
	}, {
		.name = "ACA ACTIVE",
		.length = 12,
		.status = { 0x02, [8] = 0x30 },
		.sam_status = 0x30,
	}, {
		.name = "highest status",
		.length = 12,
		.status = { 0x02, [8] = 0x3f },
		.sam_status = 0x3f,
	}, {
		.name = "deferred BUSY",
		.length = 12,
		.status = { 0x02, [8] = 0x48 },
		.sam_status = 0x08,
	}, {
		/* The agent's business, not the command's */
		.name = "GOOD, agent dead",
		.length = 8,
		.status = { 0x09 },
		.sam_status = 0x00,
	}, {
		.name = "GOOD, src 3",
		.length = 8,
		.status = { 0xc1 },
		.sam_status = 0x00,
	},
};

KUNIT_ARRAY_PARAM_DESC(status, statuses, name);

static void sense_sam_status(struct kunit *test)
{
	decode(test);
}

/* resp other than 0: whatever follows is not the device's answer */
static const struct sense_case responses[] = {
	{
		.name = "transport failure",
		.length = 8,
		.status = { 0x11 },
		.verdict = SBP2X_VERDICT_RETRY,
	}, {
		/* Data CRC error while the target read the data buffer */
		.name = "transport failure, object and error",
		.length = 8,
		.status = { 0x19, 0x45 },
		.verdict = SBP2X_VERDICT_RETRY,
	}, {
		.name = "transport failure with sense",
		.length = 24,
		.status = { 0x15, 0xff, [8] = 0x02, 0x85, 0x24, 0x00 },
		.verdict = SBP2X_VERDICT_RETRY,
	}, {
		.name = "illegal request",
		.length = 8,
		.status = { 0x21 },
		.verdict = SBP2X_VERDICT_ERROR,
	}, {
		/* The code says "resources unavailable" for resp 0 only */
		.name = "illegal request, code 8",
		.length = 24,
		.status = { 0x25, 0x08, [8] = 0x02, 0x05 },
		.verdict = SBP2X_VERDICT_ERROR,
	}, {
		.name = "vendor dependent",
		.length = 8,
		.status = { 0x31 },
		.verdict = SBP2X_VERDICT_ERROR,
	}, {
		.name = "vendor dependent with sense",
		.length = 24,
		.status = { 0x35, 0x0c, [8] = 0x02, 0x05 },
		.verdict = SBP2X_VERDICT_ERROR,
	},
};

KUNIT_ARRAY_PARAM_DESC(response, responses, name);

static void sense_resp(struct kunit *test)
{
	decode(test);
}

struct sbp_status_case {
	u8 sbp_status;
	enum sbp2x_verdict verdict;
};

/* resp 0; 5.3 table 10, and codes that the table does not have */
static const struct sbp_status_case sbp_statuses[] = {
	{ 0x00, SBP2X_VERDICT_STATUS },
	{ 0x01, SBP2X_VERDICT_ERROR },
	{ 0x02, SBP2X_VERDICT_ERROR },
	{ 0x03, SBP2X_VERDICT_ERROR },
	{ 0x04, SBP2X_VERDICT_ERROR },
	{ 0x05, SBP2X_VERDICT_ERROR },
	{ 0x06, SBP2X_VERDICT_ERROR },
	{ 0x07, SBP2X_VERDICT_ERROR },
	{ 0x08, SBP2X_VERDICT_RETRY },
	{ 0x09, SBP2X_VERDICT_ERROR },
	{ 0x0a, SBP2X_VERDICT_ERROR },
	{ 0x0b, SBP2X_VERDICT_ABORTED },
	{ 0x0c, SBP2X_VERDICT_ABORTED },
	{ 0x0d, SBP2X_VERDICT_ERROR },
	{ 0x80, SBP2X_VERDICT_ERROR },
	{ 0xfe, SBP2X_VERDICT_ERROR },
	{ 0xff, SBP2X_VERDICT_ERROR },
};

static void sbp_status_name(const struct sbp_status_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "sbp_status %02x", c->sbp_status);
}

KUNIT_ARRAY_PARAM(sbp_status, sbp_statuses, sbp_status_name);

/* A code other than 0 is not GOOD, whatever the rest of the block says */
static void sense_sbp_status(struct kunit *test)
{
	const struct sbp_status_case *want = test->param_value;
	static const u8 none[18];
	u8 bytes[32] = { 0x02, want->sbp_status, [8] = 0x28 };
	struct sbp2x_status_block status;
	struct sbp2x_sense got;

	memcpy(&status, bytes, sizeof(status));
	memset(&got, 0xa5, sizeof(got));
	sbp2x_sense_decode(&status, 12, &got);
	KUNIT_EXPECT_EQ(test, got.verdict, want->verdict);
	KUNIT_EXPECT_EQ(test, got.sam_status,
			want->sbp_status == 0x00 ? 0x28 : 0x00);
	KUNIT_EXPECT_EQ(test, got.length, 0);
	KUNIT_EXPECT_MEMEQ(test, got.data, none, 18);
}

/* Byte @i of the command set; what was not written is zero */
static u8 command_set(const u8 *block, size_t length, size_t i)
{
	return 8 + i < length ? block[8 + i] : 0;
}

static noinline_for_stack void
expect_sane(struct kunit *test, const u8 *block, size_t length,
	    const struct sbp2x_sense *got)
{
	size_t claimed = 4 * ((block[0] & 7) + 1);
	bool answered = !(block[0] & 0x30) && !block[1];

	length = min(length, claimed);
	if (!answered)
		KUNIT_EXPECT_NE(test, got->verdict, SBP2X_VERDICT_STATUS);
	if (got->verdict != SBP2X_VERDICT_STATUS) {
		KUNIT_EXPECT_EQ(test, got->length + got->sam_status, 0);
		return;
	}
	KUNIT_EXPECT_EQ(test, got->sam_status,
			command_set(block, length, 0) & 0x3f);
	KUNIT_EXPECT_TRUE(test, got->length == 0 || got->length == 18);
	if (!got->length)
		return;
	KUNIT_EXPECT_EQ(test, got->sam_status, 0x02);
	KUNIT_EXPECT_EQ(test, got->data[0] & 0x7e, 0x70);
	KUNIT_EXPECT_EQ(test, got->data[2] & 0x0f,
			command_set(block, length, 1) & 0x0f);
	KUNIT_EXPECT_EQ(test, got->data[12], command_set(block, length, 2));
	KUNIT_EXPECT_EQ(test, got->data[13], command_set(block, length, 3));
}

/* Every second one says that the command is complete and had a check condition */
static void random_block(struct rnd_state *rnd, u8 *block, size_t length)
{
	prandom_bytes_state(rnd, block, length);
	if (prandom_u32_state(rnd) & 1) {
		block[0] &= ~0x30;
		block[1] = 0;
		if (length > 8)
			block[8] = 0x02 | (block[8] & 0x40);
	}
}

#define FUZZ_SEED	0x5e25eULL
#define FUZZ_BLOCKS	40000

/* Of every length that a target can write, in memory of just that size */
static void sense_fuzz(struct kunit *test)
{
	unsigned int i, answers = 0, senses = 0;
	struct sbp2x_sense got;
	struct rnd_state rnd;
	u8 *block[33];
	size_t length;

	for (length = 8; length <= 32; length++) {
		block[length] = kunit_kmalloc(test, length, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, block[length]);
	}
	prandom_seed_state(&rnd, FUZZ_SEED);
	for (i = 0; i < FUZZ_BLOCKS; i++) {
		length = 8 + i % 25;
		random_block(&rnd, block[length], length);
		memset(&got, 0xa5, sizeof(got));
		sbp2x_sense_decode((void *)block[length], length, &got);
		expect_sane(test, block[length], length, &got);
		answers += got.verdict == SBP2X_VERDICT_STATUS;
		senses += got.length == 18;
	}
	KUNIT_EXPECT_GT(test, FUZZ_BLOCKS - answers, FUZZ_BLOCKS / 4);
	KUNIT_EXPECT_GT(test, senses, FUZZ_BLOCKS / 8);
}

static struct kunit_case sense_cases[] = {
	KUNIT_CASE_PARAM(sense_check_condition, check_condition_gen_params),
	KUNIT_CASE_PARAM(sense_format, format_gen_params),
	KUNIT_CASE_PARAM(sense_short_block, short_block_gen_params),
	KUNIT_CASE_PARAM(sense_sam_status, status_gen_params),
	KUNIT_CASE_PARAM(sense_resp, response_gen_params),
	KUNIT_CASE_PARAM(sense_sbp_status, sbp_status_gen_params),
	KUNIT_CASE(sense_fuzz),
	{}
};

static struct kunit_suite sense_suite = {
	.name = "sbp2x-sense",
	.test_cases = sense_cases,
};

kunit_test_suite(sense_suite);
