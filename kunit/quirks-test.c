// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of devices. Firmware revisions and models are those that
 * firewire-sbp2 knows; flags are literal numbers, for people have them in
 * their configuration.
 */
#include "../drivers/firewire/sbp2x/quirks.c"

#include <kunit/test.h>

#define MISSING	0xff000000

struct device_case {
	const char *name;
	u32 firmware_revision;
	u32 model_id;
	u32 flags;
};

static const struct device_case devices[] = {
	{ "DViCO Momobay CX-1",		0x002800, 0x001010, 0x26 },
	{ "DViCO Momobay FX-3A",	0x002800, 0x000000, 0x20 },
	{ "TI bridge, other model",	0x002800, 0x000001, 0 },
	{ "TI bridge, no model",	0x002800, MISSING, 0 },
	{ "Initio, lowest model",	0x000200, 0x000000, 0x2 },
	{ "Initio, highest model",	0x000200, 0xffffff, 0x2 },
	{ "Initio, no model",		0x000200, MISSING, 0x2 },
	/* As kernel logs of such enclosures show it */
	{ "Prolific PL-3507",		0x012804, 0x000001, 0x10020 },
	{ "PL-3507, no model",		0x012800, MISSING, 0x10020 },
	{ "Symbios",			0xa0b800, 0x000000, 0x20001 },
	{ "Symbios SYM13FW500",		0x002600, 0x123456, 0x20001 },
	{ "iPod 2G and 3G",		0x0a2700, 0x000000, 0x40009 },
	{ "iPod 4G",			0x0a2700, 0x000021, 0x8 },
	{ "iPod mini",			0x0a2700, 0x000022, 0x8 },
	{ "iPod mini, the other",	0x0a2700, 0x000023, 0x8 },
	{ "iPod Photo",			0x0a2700, 0x00007e, 0x8 },
	{ "iPod, other model",		0x0a2700, 0x000024, 0 },
	{ "iPod, no model",		0x0a2700, MISSING, 0 },
	/* The lowest byte of the revision is the version of the firmware */
	{ "revision, highest version",	0x0128ff, 0x000000, 0x10020 },
	{ "next bridge below",		0x0127ff, 0x000000, 0 },
	{ "next bridge above",		0x012900, 0x000000, 0 },
	{ "Oxford 911",			0x000025, 0x000001, 0 },
	{ "Nikon LS-9000",		MISSING, 0x004002, 0 },
	{ "nothing known",		MISSING, MISSING, 0 },
	{ "lowest",			0x000000, 0x000000, 0 },
	{ "highest",			0xffffff, 0xffffff, 0 },
};

KUNIT_ARRAY_PARAM_DESC(device, devices, name);

static void quirks_lookup(struct kunit *test)
{
	const struct device_case *device = test->param_value;

	KUNIT_EXPECT_EQ(test, sbp2x_quirks_lookup(device->firmware_revision,
						  device->model_id),
			device->flags);
}

/* No parameter: the table; the override: nothing of the table */
static void quirks_apply_device(struct kunit *test)
{
	const struct device_case *device = test->param_value;
	u32 firmware_revision = device->firmware_revision;
	u32 model_id = device->model_id;

	KUNIT_EXPECT_EQ(test, sbp2x_quirks_apply(0, firmware_revision,
						 model_id), device->flags);
	KUNIT_EXPECT_EQ(test, sbp2x_quirks_apply(0x100, firmware_revision,
						 model_id), 0);
}

static void quirks_apply_joins(struct kunit *test)
{
	/* PL-3507: 0x10020 by the table */
	KUNIT_EXPECT_EQ(test, sbp2x_quirks_apply(0x1, 0x012804, 1), 0x10021);
	KUNIT_EXPECT_EQ(test, sbp2x_quirks_apply(0x20, 0x012804, 1), 0x10020);
	/* A device that is not in the table */
	KUNIT_EXPECT_EQ(test, sbp2x_quirks_apply(0x12, 0x000025, 1), 0x12);
}

static void quirks_apply_override(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sbp2x_quirks_apply(0x101, 0x012804, 1), 0x1);
	KUNIT_EXPECT_EQ(test, sbp2x_quirks_apply(0x13f, 0x012804, 1), 0x3f);
	/* Nobody downstream needs to know that there was an override */
	KUNIT_EXPECT_EQ(test, sbp2x_quirks_apply(0xffffffff, 0, 0),
			0xfffffeff);
}

/* The values of the "workarounds" parameter of firewire-sbp2 */
static void quirks_values(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, SBP2X_QUIRK_128K_MAX_TRANS, 0x1);
	KUNIT_EXPECT_EQ(test, SBP2X_QUIRK_INQUIRY_36, 0x2);
	KUNIT_EXPECT_EQ(test, SBP2X_QUIRK_MODE_SENSE_8, 0x4);
	KUNIT_EXPECT_EQ(test, SBP2X_QUIRK_FIX_CAPACITY, 0x8);
	KUNIT_EXPECT_EQ(test, SBP2X_QUIRK_DELAY_INQUIRY, 0x10);
	KUNIT_EXPECT_EQ(test, SBP2X_QUIRK_POWER_CONDITION, 0x20);
	KUNIT_EXPECT_EQ(test, SBP2X_QUIRK_OVERRIDE, 0x100);
	/* Ours, where firewire-sbp2 has none */
	KUNIT_EXPECT_EQ(test, SBP2X_QUIRK_SERIAL, 0x10000);
	KUNIT_EXPECT_EQ(test, SBP2X_QUIRK_MIN_SEGMENT_16, 0x20000);
	KUNIT_EXPECT_EQ(test, SBP2X_QUIRK_NO_PAGE_TABLE, 0x40000);
}

static struct kunit_case quirks_cases[] = {
	KUNIT_CASE_PARAM(quirks_lookup, device_gen_params),
	KUNIT_CASE_PARAM(quirks_apply_device, device_gen_params),
	KUNIT_CASE(quirks_apply_joins),
	KUNIT_CASE(quirks_apply_override),
	KUNIT_CASE(quirks_values),
	{}
};

static struct kunit_suite quirks_suite = {
	.name = "sbp2x-quirks",
	.test_cases = quirks_cases,
};

kunit_test_suite(quirks_suite);
