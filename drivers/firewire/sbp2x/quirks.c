// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that need to be treated with care.
 *
 * The firmware revision without its lowest byte tells the bridge chip; the
 * model tells what was built around it.
 */
#include "quirks.h"

#include <linux/kernel.h>

#define ANY_MODEL	~0U
#define BRIDGE_MASK	0xffffff00

static const struct {
	u32 bridge;
	u32 model_id;
	u32 flags;
} known[] = {
	/* DViCO Momobay CX-1, TI TSB42AA9 bridge */
	{ 0x002800, 0x001010, SBP2X_QUIRK_INQUIRY_36 |
			      SBP2X_QUIRK_MODE_SENSE_8 |
			      SBP2X_QUIRK_POWER_CONDITION },
	/* DViCO Momobay FX-3A, TI TSB42AA9A bridge */
	{ 0x002800, 0x000000, SBP2X_QUIRK_POWER_CONDITION },
	/* Initio bridges */
	{ 0x000200, ANY_MODEL, SBP2X_QUIRK_INQUIRY_36 },
	/* Prolific PL-3507, Prolific's own firmware; stalls when queued */
	{ 0x012800, ANY_MODEL, SBP2X_QUIRK_POWER_CONDITION |
			       SBP2X_QUIRK_SERIAL },
	/* Symbios (LSI) bridges */
	{ 0xa0b800, ANY_MODEL, SBP2X_QUIRK_128K_MAX_TRANS |
			       SBP2X_QUIRK_MIN_SEGMENT_16 },
	/* Datafab MD2-FW2, Symbios SYM13FW500 bridge */
	{ 0x002600, ANY_MODEL, SBP2X_QUIRK_128K_MAX_TRANS |
			       SBP2X_QUIRK_MIN_SEGMENT_16 },
	/* iPod, second (transfer size, page tables) and third generation */
	{ 0x0a2700, 0x000000, SBP2X_QUIRK_128K_MAX_TRANS |
			      SBP2X_QUIRK_FIX_CAPACITY |
			      SBP2X_QUIRK_NO_PAGE_TABLE },
	/* iPod, fourth generation */
	{ 0x0a2700, 0x000021, SBP2X_QUIRK_FIX_CAPACITY },
	/* iPod mini */
	{ 0x0a2700, 0x000022, SBP2X_QUIRK_FIX_CAPACITY },
	{ 0x0a2700, 0x000023, SBP2X_QUIRK_FIX_CAPACITY },
	/* iPod Photo */
	{ 0x0a2700, 0x00007e, SBP2X_QUIRK_FIX_CAPACITY },
};

u32 sbp2x_quirks_lookup(u32 firmware_revision, u32 model_id)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].bridge == (firmware_revision & BRIDGE_MASK) &&
		    (known[i].model_id == model_id ||
		     known[i].model_id == ANY_MODEL))
			return known[i].flags;

	return 0;
}

u32 sbp2x_quirks_apply(u32 workarounds, u32 firmware_revision, u32 model_id)
{
	if (workarounds & SBP2X_QUIRK_OVERRIDE)
		return workarounds & ~SBP2X_QUIRK_OVERRIDE;

	return workarounds | sbp2x_quirks_lookup(firmware_revision, model_id);
}
