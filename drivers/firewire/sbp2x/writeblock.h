/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write-block: which commands may go to a device whose medium must not change,
 * because it is evidence, or dying. What is not known to be harmless is not.
 */
#ifndef SBP2X_WRITEBLOCK_H
#define SBP2X_WRITEBLOCK_H

#include <linux/types.h>

/**
 * enum sbp2x_writeblock - what becomes of a command
 * @SBP2X_WRITEBLOCK_PASS: it cannot change the medium
 * @SBP2X_WRITEBLOCK_SKIP: it is done without the device: no write was let
 *			   through, so no cache of ours is to be written back
 * @SBP2X_WRITEBLOCK_REFUSE: it can change the medium, or nobody knows
 */
enum sbp2x_writeblock {
	SBP2X_WRITEBLOCK_PASS,
	SBP2X_WRITEBLOCK_SKIP,
	SBP2X_WRITEBLOCK_REFUSE,
};

/*
 * sbp2x_writeblock_judge() - for a SCSI command of @length bytes to a device
 * of that peripheral device type. Pure; any context.
 */
enum sbp2x_writeblock sbp2x_writeblock_judge(const u8 *cdb, size_t length,
					     u8 device_type);

/*
 * sbp2x_writeblock_wp_byte() - where in the data of a MODE SENSE the device
 * says (bit 7) that the medium is write protected; -1 for other commands.
 */
int sbp2x_writeblock_wp_byte(const u8 *cdb);

#define SBP2X_WRITEBLOCK_WP	0x80

#endif
