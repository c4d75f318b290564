/* SPDX-License-Identifier: GPL-2.0-only */
/* From a status block to SAM status and sense data: SBP-2 annex B. */
#ifndef SBP2X_SENSE_H
#define SBP2X_SENSE_H

#include <linux/types.h>

struct sbp2x_status_block;

#define SBP2X_SENSE_SIZE	18

/**
 * enum sbp2x_verdict - what a status block means for the command
 * @SBP2X_VERDICT_STATUS: the device answered; look at the SAM status
 * @SBP2X_VERDICT_RETRY: the transport failed, nothing says that the command
 *			 cannot succeed: worth repeating
 * @SBP2X_VERDICT_ABORTED: the target says that it aborted the request
 * @SBP2X_VERDICT_ERROR: the target cannot or will not do this
 */
enum sbp2x_verdict {
	SBP2X_VERDICT_STATUS,
	SBP2X_VERDICT_RETRY,
	SBP2X_VERDICT_ABORTED,
	SBP2X_VERDICT_ERROR,
};

/**
 * struct sbp2x_sense - outcome of a command
 * @verdict: see there; the rest is valid for SBP2X_VERDICT_STATUS only
 * @sam_status: SAM status code
 * @length: bytes in @data, 0 or %SBP2X_SENSE_SIZE
 * @data: fixed format sense data (SPC)
 */
struct sbp2x_sense {
	enum sbp2x_verdict verdict;
	u8 sam_status;
	u8 length;
	u8 data[SBP2X_SENSE_SIZE];
};

/**
 * sbp2x_sense_decode() - understand the status of a command block ORB
 * @status: the block; bytes behind @length are not looked at
 * @length: bytes that the target really wrote, at least SBP2X_STATUS_MIN
 * @sense: filled in
 *
 * Pure; any context. A block that claims more than was written counts for
 * what was written.
 */
void sbp2x_sense_decode(const struct sbp2x_status_block *status, size_t length,
			struct sbp2x_sense *sense);

#endif
