/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The SCSI midlayer's view: one Scsi_Host per unit, one scsi_device per
 * logical unit.
 */
#ifndef SBP2X_SCSI_H
#define SBP2X_SCSI_H

#include "target.h"

struct fw_unit;

int sbp2x_scsi_init(void);
void sbp2x_scsi_exit(void);

/**
 * sbp2x_scsi_add() - drive a unit: log in, and let its disks appear
 *
 * Returns before the logins are done. May sleep.
 *
 * Return: 0 or a negative error, which was logged where a user can help it.
 */
int sbp2x_scsi_add(struct fw_unit *unit,
		   const struct sbp2x_target_config *config);

/* sbp2x_scsi_bus_reset() - @unit is still there after a bus reset */
void sbp2x_scsi_bus_reset(struct fw_unit *unit);

/*
 * sbp2x_scsi_remove() - let go of @unit: caches are flushed and logins ended
 * where the unit is still there. May sleep for long if the disk does.
 */
void sbp2x_scsi_remove(struct fw_unit *unit);

/*
 * sbp2x_scsi_shutdown() - log out, for the machine goes down; nothing is freed
 * and commands fail from now on. May sleep for some seconds.
 */
void sbp2x_scsi_shutdown(struct fw_unit *unit);

#endif
