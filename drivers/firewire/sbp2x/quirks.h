/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices that need to be treated with care: one const table. */
#ifndef SBP2X_QUIRKS_H
#define SBP2X_QUIRKS_H

#include <linux/bits.h>
#include <linux/types.h>

/*
 * The lower bits are the "workarounds" of firewire-sbp2, same values, so that
 * people's configuration carries over.
 */
#define SBP2X_QUIRK_128K_MAX_TRANS	BIT(0)
#define SBP2X_QUIRK_INQUIRY_36		BIT(1)
#define SBP2X_QUIRK_MODE_SENSE_8	BIT(2)	/* skip mode page 8 */
#define SBP2X_QUIRK_FIX_CAPACITY	BIT(3)
#define SBP2X_QUIRK_DELAY_INQUIRY	BIT(4)
#define SBP2X_QUIRK_POWER_CONDITION	BIT(5)
#define SBP2X_QUIRK_OVERRIDE		BIT(8)	/* parameter only: no table */
/* Ours */
#define SBP2X_QUIRK_SERIAL		BIT(16)	/* one ORB at a time */
#define SBP2X_QUIRK_MIN_SEGMENT_16	BIT(17)	/* no segment under 16 bytes */
#define SBP2X_QUIRK_NO_PAGE_TABLE	BIT(18)

/**
 * sbp2x_quirks_lookup() - what is known of a device
 * @firmware_revision: of the unit directory, or SBP2X_ROM_VALUE_MISSING
 * @model_id: likewise
 *
 * Return: SBP2X_QUIRK_* flags. Pure; any context.
 */
u32 sbp2x_quirks_lookup(u32 firmware_revision, u32 model_id);

/* sbp2x_quirks_apply() - @workarounds (parameter) joined with the table */
u32 sbp2x_quirks_apply(u32 workarounds, u32 firmware_revision, u32 model_id);

#endif
