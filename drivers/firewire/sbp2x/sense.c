// SPDX-License-Identifier: GPL-2.0-only
/*
 * SBP-2 annex B: the command-set part of a status block carries what fixed
 * format sense data has, in another order.
 *
 *   byte 0	sfmt 7:6, status 5:0
 *   byte 1	valid 7, mark 6, eom 5, ili 4, sense key 3:0
 *   2, 3	additional sense code and qualifier
 *   4-7	information
 *   8-11	command-specific information
 *   12		field replaceable unit code
 *   13-15	sense-key-specific
 */
#include "sense.h"

#include <linux/minmax.h>
#include <linux/string.h>
#include <scsi/scsi_proto.h>

#include "wire.h"

#define SFMT_CURRENT	0
#define SFMT_DEFERRED	1

/* Fixed format sense data, SPC-4 4.5.3 */
#define SENSE_CURRENT	0x70
#define SENSE_DEFERRED	0x71

#define VALID		0x80

/* What the block must hold for its sense data, and for the information */
#define SENSE_KEY_END	4
#define INFORMATION_END	8

static enum sbp2x_verdict verdict_of_sbp_status(u8 sbp_status)
{
	switch (sbp_status) {
	case SBP2X_STATUS_OK:
		return SBP2X_VERDICT_STATUS;
	case SBP2X_STATUS_RESOURCES_UNAVAILABLE:
		return SBP2X_VERDICT_RETRY;
	case SBP2X_STATUS_DUMMY_ORB_COMPLETED:
	case SBP2X_STATUS_REQUEST_ABORTED:
		return SBP2X_VERDICT_ABORTED;
	default:
		return SBP2X_VERDICT_ERROR;
	}
}

static enum sbp2x_verdict verdict_of(const struct sbp2x_status_block *status)
{
	switch (sbp2x_status_resp(status)) {
	case SBP2X_RESP_REQUEST_COMPLETE:
		return verdict_of_sbp_status(sbp2x_status_sbp_status(status));
	case SBP2X_RESP_TRANSPORT_FAILURE:
		return SBP2X_VERDICT_RETRY;
	default:
		return SBP2X_VERDICT_ERROR;
	}
}

static void sense_fill(const u8 *cs, u8 *sense)
{
	sense[0] = cs[0] >> 6 == SFMT_DEFERRED ? SENSE_DEFERRED : SENSE_CURRENT;
	sense[0] |= cs[1] & VALID;
	sense[2] = (cs[1] & 0x70) << 1;			/* mark, eom, ili */
	sense[2] |= cs[1] & 0x0f;
	memcpy(&sense[3], &cs[4], 4);
	sense[7] = SBP2X_SENSE_SIZE - 8;
	memcpy(&sense[8], &cs[8], 4);
	sense[12] = cs[2];
	sense[13] = cs[3];
	memcpy(&sense[14], &cs[12], 4);
}

void sbp2x_sense_decode(const struct sbp2x_status_block *status, size_t length,
			struct sbp2x_sense *sense)
{
	size_t claimed = sbp2x_status_length(status);
	u8 cs[16] = {};

	memset(sense, 0, sizeof(*sense));
	sense->verdict = verdict_of(status);
	if (sense->verdict != SBP2X_VERDICT_STATUS)
		return;

	/* 8 bytes: nothing to report, which is GOOD */
	length = min(length, claimed);
	if (length <= SBP2X_STATUS_MIN)
		return;

	length = min(length - SBP2X_STATUS_MIN, sizeof(cs));
	memcpy(cs, status->command_set, length);
	if (length < INFORMATION_END)
		cs[1] &= ~VALID;
	if (cs[0] >> 6 > SFMT_DEFERRED) {
		sense->verdict = SBP2X_VERDICT_ERROR;
		return;
	}

	sense->sam_status = cs[0] & 0x3f;
	if (sense->sam_status == SAM_STAT_CHECK_CONDITION &&
	    length >= SENSE_KEY_END) {
		sense_fill(cs, sense->data);
		sense->length = SBP2X_SENSE_SIZE;
	}
}
